"""Which pins in /run/netns labctl made: an extended attribute says so, as it does of cgroups.

Names prove nothing: anybody may call a namespace `labctl.lab.fabric`. A pin that is mounted hides
the file that has the attribute; a copy of /run/netns alone, without what is mounted in it, shows it.
"""

import contextlib
import ctypes
import os
from collections.abc import Collection, Iterator
from pathlib import Path

from labctl import names
from labctl.errors import NetError

_MARK = "trusted.labctl"
_SYS_OPEN_TREE = 428  # Linux 5.2; the same number on every architecture that has no odd ones
_AT_FDCWD = -100
_OPEN_TREE_CLONE = 1

_libc = ctypes.CDLL(None, use_errno=True)


def mark(pin: Path) -> None:
    """Says of a pin, a file or a symbolic link, that labctl made it. Raises NetError."""
    try:
        os.setxattr(pin, _MARK, b"1", follow_symlinks=False)
    except OSError as error:
        raise NetError(f"mark {pin}: {error.strerror}", error.errno or 0) from error


def marked(pins: Collection[str]) -> set[str]:
    """Those of the names in /run/netns that are marked. Raises NetError."""
    if not pins:
        return set()
    with _without_mounts(names.NETNS_DIR) as descriptor:
        return {pin for pin in pins if _is_marked(f"/proc/self/fd/{descriptor}/{pin}")}


def _is_marked(path: str) -> bool:
    try:
        return bool(os.getxattr(path, _MARK, follow_symlinks=False))
    except OSError:
        return False


@contextlib.contextmanager
def _without_mounts(directory: Path) -> Iterator[int]:
    flags = _OPEN_TREE_CLONE | os.O_CLOEXEC
    descriptor = _libc.syscall(_SYS_OPEN_TREE, _AT_FDCWD, os.fsencode(directory), flags)
    if descriptor < 0:
        code = ctypes.get_errno()
        raise NetError(f"open_tree {directory}: {os.strerror(code)}", code)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
