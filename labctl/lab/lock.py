"""One `up` or `down` of a lab at a time.

The lock is flock(2) on /run/labctl/LAB.lock, so it ends with its holder, however that dies. The
file is unlinked by the holder; whoever waited for it meanwhile notices that its file is no longer
the one of that name, and takes the new one.
"""

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from labctl import names
from labctl.lab.progress import Progress

_SUFFIX = ".lock"


def lock_file(lab: str) -> Path:
    return names.RUN_DIR / f"{lab}{_SUFFIX}"


def locked_labs() -> set[str]:
    """The labs of which a lock file is there, held or left over."""
    return {file.name.removesuffix(_SUFFIX) for file in names.RUN_DIR.glob(f"*{_SUFFIX}")}


@contextlib.contextmanager
def lock(lab: str, progress: Progress) -> Iterator[None]:
    """Waits for the lab's lock and holds it; takes away the file, and /run/labctl when empty."""
    file = lock_file(lab)
    descriptor = _acquire(file, lambda: progress.step(f"another labctl is at lab {lab}: waiting"))
    try:
        yield
    finally:
        file.unlink(missing_ok=True)
        os.close(descriptor)
        with contextlib.suppress(OSError):  # another lab's files are in it
            names.RUN_DIR.rmdir()


def _acquire(file: Path, waits: Callable[[], None]) -> int:
    while True:
        file.parent.mkdir(mode=0o755, exist_ok=True)
        try:
            descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except FileNotFoundError:  # the directory went with another lab's `down`
            continue
        _flock(descriptor, waits)
        if _is_at(descriptor, file):
            return descriptor
        os.close(descriptor)


def _flock(descriptor: int, waits: Callable[[], None]) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        waits()
        fcntl.flock(descriptor, fcntl.LOCK_EX)


def _is_at(descriptor: int, file: Path) -> bool:
    try:
        there = file.stat()
    except FileNotFoundError:
        return False
    return os.path.samestat(os.fstat(descriptor), there)
