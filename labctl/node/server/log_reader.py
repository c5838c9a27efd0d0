"""Reads a container's log file to its end, and on as it grows, for one who asked."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from typing import BinaryIO

from labctl.node.server.log_lines import LineReader, LogOptions, tail_start

_CHUNK = 1 << 16
_POLL_SECONDS = 0.1  # inotify instances are few (128 a user), and people read no faster


async def read_log(
    path: str, options: LogOptions, is_running: Callable[[], bool]
) -> AsyncIterator[bytes]:
    """The log at `path` in portions; with `follow` for as long as `is_running` says so.

    A file that is not there is an empty log.
    """
    reader = LineReader(options)
    file = _open(path)
    if file is None:
        return
    with file:
        if options.tail_lines is not None:
            _seek_to_tail(file, options.tail_lines)
        while not reader.full:
            running = options.follow and is_running()  # asked before reading: no line is missed
            data = file.read(_CHUNK)
            if data:
                yield reader.feed(data)
            elif running:
                await asyncio.sleep(_POLL_SECONDS)
            else:
                return


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
