"""Containers' output, stamped line by line into the log files that kubelets keep.

A line is `2016-10-06T00:17:09.669794202Z stdout F text`, with P for F where it goes on in the next
(the CRI's log format). A program writes into a FIFO that it holds open for reading as well as
writing: when the runtime dies, the program is not killed by SIGPIPE; it writes on until the pipe is
full and then waits. The runtime that comes after opens the same FIFO and finds what was written.
"""

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Iterator
from typing import Literal

log = logging.getLogger(__name__)

Stream = Literal["stdout", "stderr"]
STREAMS: tuple[Stream, Stream] = ("stdout", "stderr")
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


class LogFile:
    """Appends to `path`, opened anew for each write, so that a rotated file is let go of.

    A write that fails (disk full) is lost and logged, once until one succeeds again: nothing
    else shall suffer from one container's log. Without a path everything is dropped.
    """

    def __init__(self, path: str) -> None:
        self._path = path
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
            self._failing = True
        else:
            self._failing = False

    def write_line(self, text: str) -> None:
        """One line on stdout, stamped now."""
        self.append(f"{timestamp(time.time_ns())} stdout F {text}\n".encode())

    def _append(self, data: bytes) -> None:
        descriptor = self._open()
        try:
            if data:
                os.write(descriptor, data)
        finally:
            os.close(descriptor)

    def _open(self) -> int:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        try:
            return os.open(self._path, flags, 0o640)
        except FileNotFoundError:  # the pod's directory: this is its first line
            os.makedirs(os.path.dirname(self._path), mode=0o755, exist_ok=True)
            return os.open(self._path, flags, 0o640)


class LogPipe:
    """One stream of one program: a FIFO in the file system, and what is read from it logged."""

    def __init__(self, path: str, stream: Stream, file: LogFile) -> None:
        """Opens the FIFO, made if it is not there; reading begins at once."""
        self._path = path
        self._file = file
        self._cutter = LineCutter(stream)
        with contextlib.suppress(FileExistsError):
            os.mkfifo(path, 0o600)
        # read and write: there is no end of file to spin on while no program writes
        self._descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._descriptor, self._read)

    def open_for_program(self) -> int:
        """The descriptor that becomes the program's stdout or stderr; the caller closes its copy."""
        return os.open(self._path, os.O_RDWR | os.O_CLOEXEC)

    def finish(self) -> None:
        """Logs what is left, once no program writes any more, and removes the FIFO."""
        for _ in range(_FULL_PIPES):
            if not self._read():
                break
        self._file.append(self._cutter.finish(time.time_ns()))
        self.release()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path)

    def release(self) -> None:
        """Stops reading and leaves the FIFO for the next runtime."""
        self._loop.remove_reader(self._descriptor)
        os.close(self._descriptor)

    def _read(self) -> bool:
        try:
            data = os.read(self._descriptor, _CHUNK)
        except BlockingIOError:
            return False
        self._file.append(self._cutter.feed(data, time.time_ns()))
        return bool(data)
