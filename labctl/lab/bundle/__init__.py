"""`labctl support-bundle`: all that is to be known of a lab, in one file for a bug report.

It changes nothing, waits for nobody for long, and works on what is left of a lab: what cannot be
had is named, with the reason, in `index.json`. Secrets do not get in (`redaction`, `scrubbing`).
"""

from labctl.lab.bundle.bundle import Summary, write_bundle

__all__ = ["Summary", "write_bundle"]
