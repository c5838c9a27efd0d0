"""A call on a Unix connection of its own, which is the leash of what the call started.

Its request line carries descriptors as SCM_RIGHTS, and so can its first answer. Closing the
connection ends what was started, or what was joined.
"""

import asyncio
import os
import socket
from typing import Any, Self, TypeVar

import msgspec

from labctl.cri import wire
from labctl.cri.errors import RuntimeUnavailable
from labctl.passing import receive

_CHUNK = 64 * 1024

T = TypeVar("T")


class Leash:
    """One such call. `descriptor` came with an answer; it is the caller's to close."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._lines = wire.LineBuffer()
        self._ready: list[bytes] = []
        self.descriptor: int | None = None

    @classmethod
    async def open(cls, path: str, request: Any, descriptors: tuple[int, ...]) -> Self:
        """Connects, asks, and waits for the first answer; raises CriError."""
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        leash = cls(connection)
        try:
            await _connect(connection, path)
            await _send(connection, wire.call_line(1, request), descriptors)
            await leash.started()
        except BaseException:
            leash.close()
            if leash.descriptor is not None:
                os.close(leash.descriptor)
            raise
        return leash

    async def started(self) -> None:
        """Takes the first answer."""
        raise NotImplementedError

    def close(self) -> None:
        """Hangs up."""
        self._socket.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.close()

    async def reply(self, result: type[T]) -> T:
        """The next answer; raises CriError."""
        while not self._ready:
            self._ready += self._lines.feed(await self._receive())
        return msgspec.json.decode(wire.unwrap(wire.decode_reply(self._ready.pop(0))), type=result)

    async def _receive(self) -> bytes:
        await _readable(self._socket)
        data, descriptors = receive(self._socket, _CHUNK)
        if descriptors:
            self.descriptor = descriptors[0]
        if not data:
            raise RuntimeUnavailable("the runtime went away meanwhile")
        return data


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
