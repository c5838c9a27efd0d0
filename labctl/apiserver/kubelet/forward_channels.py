"""port-forward over channels of a WebSocket, two for each port: its data, and its errors.

One connection a port, from the beginning. The first message on each channel, from here, is the port
as two bytes, little-endian. There is no way to say that one direction has ended.
"""

import asyncio
import contextlib
import struct
from collections.abc import Sequence

import aiohttp
from aiohttp import web

from labctl.api import status
from labctl.apiserver.kubelet.forwarding import Forwarder
from labctl.client.joining import until_one_ends

PROTOCOLS = ("v4.channel.k8s.io",)
_PORT = struct.Struct("<H")
_PORTS_MAX = 127  # a channel is one byte
_GRACE_SECONDS = 1.0  # for what a client sent just before it closed
_UNREAD_MAX = 64  # messages for one port, until those for others have to wait


def read_ports(told: Sequence[str]) -> list[int]:
    """The ports of a query, repeated or with commas; raises 400."""
    words = [word for words in told for word in words.split(",") if word]
    if not words:
        raise status.bad_request('query parameter "ports" is required')
    for word in words:
        if not (word.isascii() and word.isdigit()):
            raise status.bad_request(f"unable to parse {word[:20]!r} as a port")
        if len(word) > 5 or not 0 < int(word) < 65536:
            raise status.bad_request(f"port {word[:20]!r} must be > 0 and < 65536")
    if len(words) > _PORTS_MAX:
        raise status.bad_request(f"at most {_PORTS_MAX} ports can be forwarded at once")
    return [int(word) for word in words]


class _Channels:
    """A Caller: the two channels of the port at `index`."""

    def __init__(self, socket: web.WebSocketResponse, index: int) -> None:
        self._socket = socket
        self._index = index
        self._incoming: asyncio.Queue[bytes] = asyncio.Queue(_UNREAD_MAX)
        self._open = True

    async def begin(self, port: int) -> None:
        for channel in (2 * self._index, 2 * self._index + 1):
            await self._send(channel, _PORT.pack(port))

    async def take(self, data: bytes) -> None:
        """What came for it; returns when there is room for more."""
        if self._open:
            await self._incoming.put(data)

    def close(self) -> None:
        """Drops what still comes, so that it holds up nobody."""
        self._open = False
        while not self._incoming.empty():
            self._incoming.get_nowait()

    async def read(self) -> bytes:
        return await self._incoming.get()

    async def write(self, data: bytes) -> None:
        await self._send(2 * self._index, data)

    async def end(self) -> None:
        """It cannot be told that only one direction has ended, so both have."""
        raise ConnectionResetError

    async def fail(self, message: str) -> None:
        await self._send(2 * self._index + 1, message.encode())

    async def _send(self, channel: int, data: bytes) -> None:
        await self._socket.send_bytes(bytes([channel]) + data)


async def serve_channels(
    socket: web.WebSocketResponse, ports: Sequence[int], forwarder: Forwarder
) -> None:
    """Forwards until the client closes, or the pod has ended all its connections."""
    callers = [_Channels(socket, index) for index in range(len(ports))]
    for caller, port in zip(callers, ports, strict=True):
        await caller.begin(port)
    await until_one_ends(_receive(socket, callers), _serve_all(callers, ports, forwarder))


async def _serve_all(
    callers: Sequence[_Channels], ports: Sequence[int], forwarder: Forwarder
) -> None:
    pairs = zip(callers, ports, strict=True)
    await asyncio.gather(*(_serve(caller, port, forwarder) for caller, port in pairs))


async def _serve(caller: _Channels, port: int, forwarder: Forwarder) -> None:
    with contextlib.suppress(ConnectionError):
        await forwarder.serve(caller, port)
    caller.close()


async def _receive(socket: web.WebSocketResponse, callers: Sequence[_Channels]) -> None:
    async for message in socket:
        data = message.data.encode() if message.type is aiohttp.WSMsgType.TEXT else message.data
        channel = data[0] if data else 1
        if channel % 2 == 0 and channel // 2 < len(callers) and len(data) > 1:
            await callers[channel // 2].take(data[1:])
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_GRACE_SECONDS):
            for caller in callers:
                await caller.take(b"")
            await asyncio.Event().wait()
