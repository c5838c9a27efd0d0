"""What carries SPDY: a connection that HTTP let go of, or the binary messages of a WebSocket."""

import asyncio
from collections.abc import Mapping
from typing import Any, Self

import aiohttp
from aiohttp import web

_CHUNK = 1 << 16


class SocketWire:
    """The connection of an HTTP request, taken over from its HTTP server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def take_over(cls, http: web.BaseRequest, headers: Mapping[str, str]) -> Self:
        """Answers 101 and becomes the connection's protocol; raises ConnectionError.

        A client sends nothing before it has seen the 101, so nothing is lost in between.
        """
        transport = http.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError("the client hung up")
        reader = asyncio.StreamReader(limit=_CHUNK)
        protocol = _Taken(reader, transport.get_protocol())
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        transport.resume_reading()  # HTTP may have paused it
        writer = asyncio.StreamWriter(transport, protocol, reader, asyncio.get_running_loop())
        lines = ["HTTP/1.1 101 Switching Protocols", "Connection: Upgrade", "Upgrade: SPDY/3.1"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        writer.write("\r\n".join((*lines, "", "")).encode())
        return cls(reader, writer)

    async def read(self) -> bytes:
        return await self._reader.read(_CHUNK)

    async def write(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()


class _Taken(asyncio.StreamReaderProtocol):
    """Tells HTTP's protocol, too, of the connection's end: it keeps account of its connections."""

    def __init__(self, reader: asyncio.StreamReader, before: asyncio.BaseProtocol) -> None:
        super().__init__(reader)
        self._before: Any = before

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._before.connection_lost(exc)


class Upgraded(web.Response):
    """What a handler returns for a connection that was taken over: nothing more is to be sent."""

    def __init__(self) -> None:
        super().__init__(status=101)
        self.force_close()

    async def prepare(self, _request: web.BaseRequest) -> None:
        return None

    async def write_eof(self, _data: bytes = b"") -> None:
        return None


class WebSocketWire:
    """Frames in binary messages, cut anywhere (kubectl ≥ 1.31: SPDY/3.1+portforward.k8s.io)."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self._socket = socket

    async def read(self) -> bytes:
        while True:
            message = await self._socket.receive()
            if message.type is not aiohttp.WSMsgType.BINARY:
                return b""
            if message.data:
                return bytes(message.data)

    async def write(self, data: bytes) -> None:
        try:
            await self._socket.send_bytes(data)
        except aiohttp.ClientError as error:
            raise ConnectionResetError(str(error)) from error
