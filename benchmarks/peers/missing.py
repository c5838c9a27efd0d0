"""When something is not installed: it is said, with the line that installs it, and left out."""


class Missing(Exception):
    """What is missing, and how to get it."""
