"""The measures, one a file: each a function from sizes to samples of its rows."""
