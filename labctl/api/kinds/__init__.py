"""The kinds that a lab serves, one file a group."""
