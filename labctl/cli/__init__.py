"""The command line: words in, text out; what a command does is in `labctl.lab` and below.

Every command is imported when it is called and not before, so that `labctl --help` and completion
are quick. Data goes to stdout, progress to stderr, an error is one line and perhaps a hint.
"""
