"""What went from a directory, or was put in its place there, by inotify(7).

Through libc, as setns is: two calls and a struct are all that is needed of it here.
"""

import ctypes
import os
import struct
from pathlib import Path
from types import TracebackType
from typing import Self

_EVENT = struct.Struct("=iIII")  # watch, mask, cookie, length of the name
_IN_MOVED_FROM, _IN_MOVED_TO, _IN_DELETE = 0x40, 0x80, 0x200
_IN_DELETE_SELF, _IN_MOVE_SELF, _IN_ONLYDIR = 0x400, 0x800, 0x0100_0000
_IN_UNMOUNT, _IN_Q_OVERFLOW, _IN_IGNORED = 0x2000, 0x4000, 0x8000
_NAMED = _IN_MOVED_FROM | _IN_MOVED_TO | _IN_DELETE
_ITSELF = _IN_DELETE_SELF | _IN_MOVE_SELF | _IN_UNMOUNT | _IN_IGNORED
_BUFFER = 1 << 16

_libc = ctypes.CDLL(None, use_errno=True)


class DirectoryWatch:
    """A watch of `directory`, which is made if it is not there; for a loop's `add_reader`.

    The directory may go and come back, and may be mounted over itself (as `ip netns add` does):
    the watch is of what is at its path. What is merely new there is not told.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._descriptor = _check(_libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC), directory)
        self._watch()

    def fileno(self) -> int:
        return self._descriptor

    def close(self) -> None:
        os.close(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def changed(self) -> set[str] | None:
        """The names that something happened to since the last call; None: maybe to all."""
        names: set[str] = set()
        everything = False
        for mask, name in self._events():
            if mask & _ITSELF:
                self._watch()
            everything |= bool(mask & (_ITSELF | _IN_Q_OVERFLOW))
            names.add(name)
        return None if everything else names

    def _watch(self) -> None:
        self._directory.mkdir(mode=0o755, parents=True, exist_ok=True)
        mask = _NAMED | _IN_DELETE_SELF | _IN_MOVE_SELF | _IN_ONLYDIR
        path = os.fsencode(self._directory)
        _check(_libc.inotify_add_watch(self._descriptor, path, mask), self._directory)

    def _events(self) -> list[tuple[int, str]]:
        found = []
        try:
            data = os.read(self._descriptor, _BUFFER)
        except BlockingIOError:
            return []
        offset = 0
        while offset < len(data):
            _, mask, _, length = _EVENT.unpack_from(data, offset)
            name = data[offset + _EVENT.size : offset + _EVENT.size + length]
            found.append((mask, os.fsdecode(name.rstrip(b"\0"))))
            offset += _EVENT.size + length
        return found


def _check(result: int, directory: Path) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), str(directory))
    return result
