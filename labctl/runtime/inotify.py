"""What is removed from a directory, told by the kernel: inotify(7), which Python lacks."""

import ctypes
import os
import struct
from collections.abc import Iterator
from pathlib import Path

_IN_MOVED_FROM = 0x0000_0040
_IN_DELETE = 0x0000_0200
_IN_IGNORED = 0x0000_8000
_IN_NONBLOCK_CLOEXEC = os.O_NONBLOCK | os.O_CLOEXEC

_EVENT = struct.Struct("iIII")  # struct inotify_event: wd, mask, cookie, len, and then the name
_CHUNK = 64 * 1024

_libc = ctypes.CDLL(None, use_errno=True)


class Inotify:
    """Watches one directory; `descriptor` is readable when something was removed. Raises OSError."""

    def __init__(self, directory: Path) -> None:
        self.descriptor = _checked(_libc.inotify_init1(_IN_NONBLOCK_CLOEXEC))
        self.watching = True
        try:
            path, mask = os.fsencode(directory), ctypes.c_uint32(_IN_DELETE | _IN_MOVED_FROM)
            _checked(_libc.inotify_add_watch(self.descriptor, path, mask))
        except OSError:
            self.close()
            raise

    def removed(self) -> Iterator[str]:
        """The names that went since it was asked before; `watching` ends with the directory."""
        try:
            data = os.read(self.descriptor, _CHUNK)
        except BlockingIOError:
            return
        at = 0
        while at < len(data):
            _, mask, _, length = _EVENT.unpack_from(data, at)
            at += _EVENT.size
            if mask & _IN_IGNORED:
                self.watching = False
            elif length:
                yield os.fsdecode(data[at : at + length].rstrip(b"\0"))
            at += length

    def close(self) -> None:
        self.watching = False
        os.close(self.descriptor)


def _checked(result: int) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), "inotify")
    return result
