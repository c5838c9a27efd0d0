"""Making and entering namespaces: the two system calls that Python 3.11 leaves to libc.

Both concern one thread, and raise NetError. Also called between fork and exec: nothing here logs,
locks or imports.
"""

import ctypes
import os

from labctl.errors import NetError

CLONE_NEWNS = 0x0002_0000
CLONE_NEWUTS = 0x0400_0000
CLONE_NEWIPC = 0x0800_0000
CLONE_NEWPID = 0x2000_0000
CLONE_NEWNET = 0x4000_0000

_libc = ctypes.CDLL(None, use_errno=True)
_libc_unshare, _libc_setns = _libc.unshare, _libc.setns  # found here, and not in a fork


def unshare(flags: int) -> None:
    """Gives this thread new namespaces of the kinds in `flags` (CLONE_NEW…)."""
    _check(_libc_unshare(flags), "unshare")


def setns(descriptor: int, flags: int) -> None:
    """Moves this thread into the namespace that `descriptor` refers to (kind in `flags`, or 0)."""
    _check(_libc_setns(descriptor, flags), "setns")


def _check(result: int, what: str) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise NetError(f"{what}: {os.strerror(code)}", code)
