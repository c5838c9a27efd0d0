"""Exec: a program beside or inside a container, on a Unix connection of its own.

The request line carries the caller's stdin, stdout and stderr as SCM_RIGHTS, so no byte of what
flows is copied by the runtime; for a terminal the master comes back the same way (it is made in
the container's own devpts, so that ttyname works there). The connection is the leash: closing it
kills what was started.
"""

import asyncio
import contextlib
import os
import socket
from dataclasses import dataclass
from typing import Self, TypeVar

import msgspec

from labctl.cri import messages, wire
from labctl.cri.errors import RuntimeUnavailable

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ExecResult:
    exit_code: int
    stdout: bytes
    stderr: bytes


class ExecSession:
    """A started program. `terminal` is the master's descriptor, the caller's to close, or None."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._lines = wire.LineBuffer()
        self._ready: list[bytes] = []
        self.pid = 0
        self.terminal: int | None = None

    async def wait(self) -> int:
        """Its exit code; 128 + n when signal n ended it."""
        return (await self._reply(messages.ExecExited)).exit_code

    def close(self) -> None:
        """Hangs up: the program, if it still runs, is killed."""
        self._socket.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.close()

    async def started(self) -> None:
        self.pid = (await self._reply(messages.ExecStarted)).pid

    async def _reply(self, result: type[T]) -> T:
        while not self._ready:
            self._ready += self._lines.feed(await self._receive())
        return msgspec.json.decode(wire.unwrap(wire.decode_reply(self._ready.pop(0))), type=result)

    async def _receive(self) -> bytes:
        await _readable(self._socket)
        data, descriptors, _, _ = socket.recv_fds(self._socket, 65536, 1)
        if descriptors:
            self.terminal = descriptors[0]
            os.set_inheritable(self.terminal, False)
        if not data:
            raise RuntimeUnavailable("the runtime went away during exec")
        return data


async def open_session(
    path: str, request: messages.Exec, descriptors: tuple[int, int, int] | None
) -> ExecSession:
    """Connects, asks, and waits until the program was executed."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    session = ExecSession(connection)
    try:
        await _connect(connection, path)
        await _send(connection, wire.call_line(1, request), descriptors or ())
        await session.started()
    except BaseException:
        session.close()
        raise
    return session


async def collect(path: str, request: messages.Exec) -> ExecResult:
    """Runs to the end with an empty stdin and gathers both outputs."""
    with contextlib.ExitStack() as stack:
        null = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        stack.callback(os.close, null)
        out, out_end = await _pipe(stack)
        err, err_end = await _pipe(stack)
        try:
            session = await open_session(path, request, (null, out_end, err_end))
        finally:
            os.close(out_end)
            os.close(err_end)
        stack.callback(session.close)
        stdout, stderr, code = await asyncio.gather(out.read(), err.read(), session.wait())
        return ExecResult(code, stdout, stderr)


async def _pipe(stack: contextlib.ExitStack) -> tuple[asyncio.StreamReader, int]:
    """A reader on a new pipe, closed with `stack`, and the pipe's writing end."""
    read_end, write_end = os.pipe2(os.O_CLOEXEC)
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(read_end, "rb", 0)
    )
    stack.callback(transport.close)
    return reader, write_end


async def _connect(connection: socket.socket, path: str) -> None:
    connection.setblocking(False)
    try:
        await asyncio.get_running_loop().sock_connect(connection, path)
    except OSError as error:
        raise RuntimeUnavailable(f"runtime socket {path}: {error.strerror}") from error


async def _send(connection: socket.socket, line: bytes, descriptors: tuple[int, ...]) -> None:
    """Descriptors go with the first byte; the rest follows as plain data."""
    sent = socket.send_fds(connection, [line], descriptors) if descriptors else 0
    await asyncio.get_running_loop().sock_sendall(connection, line[sent:])


async def _readable(connection: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(connection, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(connection)
