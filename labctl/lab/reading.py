"""Files that a user names, which may be of any size: /dev/zero has no end."""

import os
import sys
from pathlib import Path

from labctl.api.manifests import MAX_BYTES, check_size, text_of
from labctl.errors import BadInput


def read_text(file: Path, shown: str = "") -> str:
    """The text of a file; BadInput, by the name `shown`, for what is unreadable or too large."""
    shown = shown or str(file)
    try:
        with file.open("rb") as stream:
            check_size(os.fstat(stream.fileno()).st_size, shown)
            return text_of(stream.read(MAX_BYTES + 1), shown)
    except OSError as error:
        raise BadInput(f"{shown}: {error.strerror}") from error


def read_stdin() -> str:
    """What comes on stdin, as a text; BadInput as above."""
    return text_of(sys.stdin.buffer.read(MAX_BYTES + 1), "stdin")
