"""Whether a lab grows: thousands of pods made and deleted again, in rounds, and what stays."""
