"""Taking turns at the fabric: `up` and `down` on one side, its keeper on the other.

The lock is flock(2) on the fabric's own namespace, so there is no file to leave behind.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def turn(fabric: Path | str, *, wait: bool = True) -> Iterator[None]:
    """Holds the lock of the namespace file `fabric`.

    Raises BlockingIOError where it would have to `wait` and shall not.
    """
    descriptor = os.open(fabric, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)
