"""Mounting and unmounting, which Python leaves to libc. Each raises OSError.

Also called between fork and exec: nothing here logs, locks or imports.
"""

import ctypes
import os

MS_RDONLY = 1
MS_NOSUID = 2
MS_NODEV = 4
MS_NOEXEC = 8
MS_REMOUNT = 32
MS_BIND = 4096
MS_REC = 16384
MS_PRIVATE = 1 << 18

_MNT_DETACH = 2

_libc = ctypes.CDLL(None, use_errno=True)
_libc_mount, _libc_umount2 = _libc.mount, _libc.umount2  # found here, and not in a fork
_libc_mount.argtypes = (*[ctypes.c_char_p] * 3, ctypes.c_ulong, ctypes.c_char_p)


def mount(source: str, target: str, kind: str = "", flags: int = 0, data: str = "") -> None:
    result = _libc_mount(_text(source), os.fsencode(target), _text(kind), flags, _text(data))
    _check(result, target)


def detach(target: str) -> None:
    """Unmounts it now for all who come later, and for those who use it when they are done."""
    _check(_libc_umount2(os.fsencode(target), _MNT_DETACH), target)


def mounted_below(directory: "os.PathLike[str]") -> list[str]:
    """Mount points at or below it in this mount namespace, the innermost first."""
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
        points = [line.split(" ")[4] for line in file]
    top = os.fspath(directory)
    return [one for one in reversed(points) if one == top or one.startswith(top + "/")]


def _check(result: int, what: str) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), what)


def _text(value: str) -> bytes | None:
    return os.fsencode(value) if value else None
