"""Namespaces by file handles, which know them when nothing in /proc or /run leads to them any more.

A namespace lives on as long as anything holds it: a process, a pin, an open file, a socket, or the
kernel itself on account of a packet. Without arguments: a handle a line of every one in sight.
With handles: those that still open. Before Linux 6.18 there are none, and nothing is printed.
"""

import contextlib
import ctypes
import os
import sys
from collections.abc import Iterator
from pathlib import Path

_LARGEST = 128  # MAX_HANDLE_SZ
_AT_FDCWD, _AT_SYMLINK_FOLLOW = -100, 0x400
_FD_NSFS_ROOT = -10003

_libc = ctypes.CDLL(None, use_errno=True)


class _Handle(ctypes.Structure):
    """struct file_handle of name_to_handle_at(2)."""

    _fields_ = (
        ("size", ctypes.c_uint),
        ("type", ctypes.c_int),
        ("bytes", ctypes.c_ubyte * _LARGEST),
    )


def handle(path: Path) -> str:
    """The handle of a namespace file as `TYPE:HEX`; "" where it has none."""
    found, mount = _Handle(size=_LARGEST), ctypes.c_int()
    failed = _libc.name_to_handle_at(
        _AT_FDCWD, os.fsencode(path), ctypes.byref(found), ctypes.byref(mount), _AT_SYMLINK_FOLLOW
    )
    if failed:
        return ""
    return f"{found.type}:{bytes(found.bytes[: found.size]).hex()}"


def lives(text: str) -> bool:
    """Whether the kernel still has the namespace."""
    kind, _, data = text.partition(":")
    raw = bytes.fromhex(data)
    wanted = _Handle(size=len(raw), type=int(kind))
    ctypes.memmove(wanted.bytes, raw, len(raw))
    descriptor = _libc.open_by_handle_at(_FD_NSFS_ROOT, ctypes.byref(wanted), os.O_RDONLY)
    if descriptor < 0:
        return False
    os.close(descriptor)
    return True


def _in_sight() -> Iterator[Path]:
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it ends while it is looked at
            yield from (process / "ns").iterdir()
    yield from Path("/run/netns").glob("*")


def main() -> None:
    if sys.argv[1:]:
        found = {one for one in sys.argv[1:] if lives(one)}
    else:
        found = {handle(path) for path in _in_sight()} - {""}
    for one in sorted(found):
        print(one)


if __name__ == "__main__":
    main()
