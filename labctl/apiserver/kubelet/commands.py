"""exec and attach: a command's streams, between a client of any protocol and the agent."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from urllib.parse import urlencode

import aiohttp
from aiohttp import web

from labctl.api import status
from labctl.apiserver.kubelet import channels
from labctl.apiserver.kubelet.agents import Agents
from labctl.apiserver.kubelet.location import Location
from labctl.apiserver.kubelet.upgrades import (
    Upgrade,
    chosen,
    negotiate,
    open_websocket,
    refuse_websocket,
    subprotocols,
    wanted_upgrade,
)
from labctl.apiserver.request import Request
from labctl.apiserver.spdy.connection import Connection, Stream, connected
from labctl.apiserver.spdy.wires import SocketWire, Upgraded
from labctl.client.joining import pump, until_one_ends

_TRUE = frozenset({"1", "t", "T", "true", "True", "TRUE"})
_SIZE_MAX = 1024  # bytes of a line that tells a terminal's size
_STREAM_SECONDS = 30.0  # for a client to open its streams, as kubelets allow

Inner = aiohttp.ClientWebSocketResponse


async def serve_command(
    http: web.BaseRequest, request: Request, agents: Agents, place: Location
) -> web.StreamResponse:
    """Until the command ends or either end is gone. Raises StatusError, or Refused."""
    flags = _flags(request)
    words = [("command", word) for word in http.query.getall("command", ())]
    query = urlencode(words + [(flag, "true") for flag in sorted(flags)])
    path = f"/{request.subresource}/{place.path}"
    upgrade = wanted_upgrade(http)
    if upgrade is Upgrade.NONE:  # the agent says what else is wrong, or that one is required
        raise await agents.refusal(place.address, path, query)
    if upgrade is Upgrade.WEBSOCKET:
        offered = subprotocols(http)
        known: list[str] = [name for name in channels.WEBSOCKET_PROTOCOLS if name in offered]
        if offered and not known:
            raise refuse_websocket(http, channels.WEBSOCKET_PROTOCOLS)
        async with agents.websocket(place.address, path, query, (channels.V5,)) as inner:
            return await _over_websocket(http, inner, known)
    headers = negotiate(http, channels.SPDY_PROTOCOLS)
    async with agents.websocket(place.address, path, query, (channels.V5,)) as inner:
        return await _over_spdy(http, flags, inner, headers)


def _flags(request: Request) -> set[str]:
    """What is wanted of stdin, stdout, stderr and tty; raises 400 when none of the three is.

    Both outputs are wanted unless a client says otherwise. A terminal has no stderr.
    """
    outputs = {name for name in ("stdout", "stderr") if request.query.get(name, "1") in _TRUE}
    flags = outputs | {name for name in ("stdin", "tty") if request.flag(name)}
    if not flags - {"tty"}:
        raise status.bad_request("you must specify at least 1 of stdin, stdout, stderr")
    return flags - ({"stderr"} if "tty" in flags else set())


async def _over_websocket(
    http: web.BaseRequest, inner: Inner, known: list[str]
) -> web.StreamResponse:
    outer = await open_websocket(http, known)
    protocol = outer.ws_protocol or channels.V1
    await until_one_ends(pump(outer, inner), _tell_client(inner, outer, protocol))
    await outer.close()
    return outer


async def _tell_client(inner: Inner, outer: web.WebSocketResponse, protocol: str) -> None:
    async for channel, data in _messages(inner, protocol):
        await outer.send_bytes(bytes([channel]) + data)


async def _over_spdy(
    http: web.BaseRequest, flags: set[str], inner: Inner, headers: dict[str, str]
) -> web.StreamResponse:
    wire, protocol = await SocketWire.take_over(http, headers), chosen(headers)
    with contextlib.suppress(TimeoutError, ConnectionError):
        async with connected(wire) as connection:
            async with asyncio.timeout(_STREAM_SECONDS):
                streams = await _accept(connection, _wanted(flags, protocol))
            for channel in (channels.STDOUT, channels.STDERR, channels.ERROR):
                if channel in streams:
                    streams[channel].ignore()
            await until_one_ends(
                _listen(connection, inner, streams), _tell_streams(inner, streams, protocol)
            )
            await connection.linger()
    return Upgraded()


def _wanted(flags: set[str], protocol: str) -> set[str]:
    """The streams that a client has to open."""
    sizes = {"resize"} if "tty" in flags and protocol in channels.RESIZABLE else set()
    return {"error"} | flags - {"tty"} | sizes


async def _accept(connection: Connection, wanted: set[str]) -> dict[int, Stream]:
    """The streams by channel, once all that are `wanted` are there."""
    streams: dict[str, Stream] = {}
    while not wanted <= streams.keys():
        stream = await connection.accept()
        name = stream.headers.get("streamtype", "").lower()
        if name in channels.NAMES and name not in streams:
            streams[name] = stream
        else:
            await stream.reset()
    return {channels.NAMES[name]: stream for name, stream in streams.items()}


async def _tell_streams(inner: Inner, streams: Mapping[int, Stream], protocol: str) -> None:
    async for channel, data in _messages(inner, protocol):
        if channel in streams and data:
            await streams[channel].write(data)
    for stream in streams.values():
        await stream.close()


async def _listen(connection: Connection, inner: Inner, streams: Mapping[int, Stream]) -> None:
    """Passes on what the client says, until it hangs up."""
    async with asyncio.TaskGroup() as group:
        if channels.RESIZE in streams:
            group.create_task(_feed_sizes(inner, streams[channels.RESIZE]))
        if channels.STDIN in streams:
            group.create_task(_feed_stdin(inner, streams[channels.STDIN]))
    await asyncio.wait((connection.ended,))


async def _feed_stdin(inner: Inner, stream: Stream) -> None:
    with contextlib.suppress(ConnectionResetError):  # to give stdin up is one way to end it
        while data := await stream.read():
            await inner.send_bytes(bytes([channels.STDIN]) + data)
    await inner.send_bytes(channels.STDIN_ENDED)


async def _feed_sizes(inner: Inner, stream: Stream) -> None:
    """One size a line, however the stream is cut."""
    rest = b""
    while data := await stream.read():
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            await inner.send_bytes(bytes([channels.RESIZE]) + line)
        rest = rest[:_SIZE_MAX]


async def _messages(inner: Inner, protocol: str) -> AsyncIterator[tuple[int, bytes]]:
    """What the agent sends, as `protocol` has it; the last is always how the command ended."""
    async for message in inner:
        if message.type is not aiohttp.WSMsgType.BINARY or not message.data:
            continue
        channel, data = message.data[0], message.data[1:]
        if channel == channels.ERROR:
            yield channel, channels.told(protocol, data)
            return
        yield channel, data
    yield channels.ERROR, channels.told(protocol, channels.lost())
