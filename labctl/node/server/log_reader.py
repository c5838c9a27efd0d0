"""Reads a container's log file to its end, and on as it grows, for one who asked."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from typing import BinaryIO, Self

from labctl.api.log_options import LogOptions
from labctl.cri import log_files
from labctl.node.server.log_lines import LineReader, tail_start

_CHUNK = 1 << 16
_POLL_SECONDS = 0.1  # inotify instances are few (128 a user), and people read no faster


async def read_log(
    path: str, options: LogOptions, is_running: Callable[[], bool]
) -> AsyncIterator[bytes]:
    """The log at `path` in portions; with `follow` for as long as `is_running` says so.

    A file that is not there is an empty log, so far.
    """
    reader = LineReader(options)
    with _LogFiles(path) as files:
        if options.tail_lines is not None:
            files.seek_to_tail(options.tail_lines)
        while not reader.full:
            running = options.follow and is_running()  # asked before reading: no line is missed
            data = files.read(follow=options.follow)
            if data:
                yield reader.feed(data)
            elif running:
                await asyncio.sleep(_POLL_SECONDS)
            else:
                return


class _LogFiles:
    """The present file of a log, and after it those in which it goes on."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._file = _open(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        if self._file is not None:
            self._file.close()

    def read(self, *, follow: bool) -> bytes:
        """The next bytes, if there are any; the file may have been set aside meanwhile."""
        if self._file is None:
            self._file = _open(self._path)
        if self._file is None:
            return b""
        data = self._file.read(_CHUNK)
        if data or not follow or self._is_present(self._file):
            return data
        # read once more: what was written just before it was set aside
        return self._file.read(_CHUNK) or self._read_on(self._file)

    def seek_to_tail(self, lines: int) -> None:
        if self._file is not None:
            _seek_to_tail(self._file, lines)

    def _is_present(self, file: BinaryIO) -> bool:
        try:
            return os.path.samestat(os.stat(self._path), os.fstat(file.fileno()))
        except FileNotFoundError:  # the next begins with the next line
            return False

    def _read_on(self, file: BinaryIO) -> bytes:
        following = log_files.after(self._path, os.fstat(file.fileno()).st_ino)
        opened = _open(following) if following else None
        if opened is None:
            return b""
        file.close()
        self._file = opened
        return opened.read(_CHUNK)


def _open(path: str) -> BinaryIO | None:
    try:
        return open(path, "rb", buffering=0)
    except FileNotFoundError:
        return None


def _seek_to_tail(file: BinaryIO, lines: int) -> None:
    """Looks at the end of the file only, more of it until there are lines enough."""
    end = file.seek(0, os.SEEK_END)
    size = _CHUNK
    while True:
        begin = file.seek(max(end - size, 0))
        start = tail_start(file.read(end - begin), lines)
        if start is not None or begin == 0:
            file.seek(begin + (start or 0))
            return
        size *= 4
