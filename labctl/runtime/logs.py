"""Containers' output, stamped line by line into the log files that kubelets keep.

A line is `2016-10-06T00:17:09.669794202Z stdout F text`, with P for F where it goes on in the next
(the CRI's log format). A program writes into a FIFO that it holds open for reading as well as
writing: when the runtime dies, the program is not killed by SIGPIPE; it writes on until the pipe is
full and then waits. The runtime that comes after opens the same FIFO and finds what was written.
"""

import asyncio
import contextlib
import errno
import logging
import os
import time
from collections.abc import Callable, Iterator
from typing import Literal

from labctl.cri import log_files
from labctl.runtime.audience import Audience

log = logging.getLogger(__name__)

Stream = Literal["stdout", "stderr"]
STREAMS: tuple[Stream, Stream] = ("stdout", "stderr")
_SIZE_MAX = 10 * 1024 * 1024  # kubelet's containerLogMaxSize
_LINE_MAX = 16 * 1024  # a longer one is cut into parts, as containerd and CRI-O do
_CHUNK = 64 * 1024  # what a pipe holds
_FULL_PIPES = 16  # read at the end, and no more: somebody might have got hold of the other end


def timestamp(nanoseconds: int) -> str:
    """RFC 3339 in UTC with nine digits, of nanoseconds since the epoch."""
    seconds, fraction = divmod(nanoseconds, 1_000_000_000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{fraction:09d}Z"


class LineCutter:
    """Turns a stream's chunks into whole log lines; the unfinished one waits for its end."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._rest = b""

    def feed(self, data: bytes, nanoseconds: int) -> bytes:
        """The log lines that are complete with `data`, all stamped `nanoseconds`."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        head = self._head(nanoseconds)
        whole = b"".join(_parts(head, line) for line in lines)
        cut = len(self._rest) - len(self._rest) % _LINE_MAX
        partial, self._rest = self._rest[:cut], self._rest[cut:]
        return whole + b"".join(b"%sP %s\n" % (head, piece) for piece in _pieces(partial))

    def finish(self, nanoseconds: int) -> bytes:
        """What never got its newline."""
        rest, self._rest = self._rest, b""
        return _parts(self._head(nanoseconds), rest) if rest else b""

    def _head(self, nanoseconds: int) -> bytes:
        return f"{timestamp(nanoseconds)} {self._stream} ".encode()


def _pieces(line: bytes) -> Iterator[bytes]:
    return (line[start : start + _LINE_MAX] for start in range(0, len(line), _LINE_MAX))


def _parts(head: bytes, line: bytes) -> bytes:
    if len(line) <= _LINE_MAX:
        return b"%sF %s\n" % (head, line)
    *firsts, last = _pieces(line)
    return b"".join(b"%sP %s\n" % (head, first) for first in firsts) + b"%sF %s\n" % (head, last)


def _ignore(_: str) -> None:
    """Nobody is to be told."""


class LogFile:
    """Appends to `path`, opened anew for each write, so that a rotated file is let go of.

    One that has grown to `limit` bytes is set aside. A write that fails (disk full) is lost and
    told, once until one succeeds again: nothing else shall suffer from one container's log.
    `failing` hears why, and "" when it is over. Without a path everything is dropped.
    """

    def __init__(
        self, path: str, limit: int = _SIZE_MAX, failing: Callable[[str], None] = _ignore
    ) -> None:
        self._path = path
        self._limit = limit
        self._tell = failing
        self._failing = False

    def create(self) -> None:
        """Makes it, empty, with its directory; raises OSError."""
        if self._path:
            self._append(b"")

    def append(self, lines: bytes) -> None:
        if not self._path or not lines:
            return
        try:
            self._append(lines)
        except OSError as error:
            if not self._failing:
                log.warning("container log %s: %s", self._path, error.strerror)
                self._tell(f"log {self._path}: {(error.strerror or '').lower()}")
            self._failing = True
        else:
            if self._failing:
                self._tell("")
            self._failing = False

    def write_line(self, text: str) -> None:
        """One line on stdout, stamped now."""
        self.append(f"{timestamp(time.time_ns())} stdout F {text}\n".encode())

    def _append(self, data: bytes) -> None:
        descriptor = self._open()
        try:
            if data:
                os.write(descriptor, data)
            full = os.lseek(descriptor, 0, os.SEEK_CUR) >= self._limit
        finally:
            os.close(descriptor)
        if full:
            log_files.rotate(self._path, time.time_ns())

    def _open(self) -> int:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        try:
            return os.open(self._path, flags, 0o640)
        except FileNotFoundError:  # the pod's directory: this is its first line
            os.makedirs(os.path.dirname(self._path), mode=0o755, exist_ok=True)
            return os.open(self._path, flags, 0o640)


class LogPipe:
    """One stream of one program: what is read from `descriptor` is logged, and heard.

    A listener that does not keep up is waited for, and so the program is made to wait.
    """

    def __init__(self, descriptor: int, stream: Stream, file: LogFile, audience: Audience) -> None:
        """Takes `descriptor` over; reading begins at once."""
        os.set_blocking(descriptor, False)
        self._descriptor = descriptor
        self._file = file
        self._cutter = LineCutter(stream)
        self._audience = audience
        self._loop = asyncio.get_running_loop()
        self._reading = False
        audience.caught_up = self._go_on
        self._go_on()

    def finish(self) -> None:
        """Logs what is left, once no program writes any more."""
        with contextlib.suppress(BlockingIOError):
            for _ in range(_FULL_PIPES):
                if not self._take():
                    break
        self._file.append(self._cutter.finish(time.time_ns()))
        self.release()

    def release(self) -> None:
        """Stops reading."""
        self._pause()
        self._audience.caught_up = _nothing
        os.close(self._descriptor)

    def _go_on(self) -> None:
        if not self._reading:
            self._reading = True
            self._loop.add_reader(self._descriptor, self._read)

    def _pause(self) -> None:
        self._loop.remove_reader(self._descriptor)
        self._reading = False

    def _read(self) -> None:
        with contextlib.suppress(BlockingIOError):
            if not self._take() or self._audience.behind:
                self._pause()

    def _take(self) -> bytes:
        """The next portion, logged; empty when no more will come. Raises BlockingIOError."""
        try:
            data = os.read(self._descriptor, _CHUNK)
        except OSError as error:
            if error.errno != errno.EIO:  # how a terminal says that nobody has it open any more
                raise
            return b""
        self._file.append(self._cutter.feed(data, time.time_ns()))
        self._audience.hear(data)
        return data


def _nothing() -> None:
    """Nobody reads any more."""
