"""Where plugins are: a plugin's type is its program's name in one of some directories."""

import os
from collections.abc import Iterable


def find_program(name: str, directories: Iterable[str]) -> str | None:
    """The path of the first that can be executed; None when there is none."""
    for directory in directories:
        path = os.path.join(directory, name)
        if os.path.isfile(path) and os.access(path, os.X_OK):
            return path
    return None
