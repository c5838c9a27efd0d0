"""Kubernetes' channel protocol over a WebSocket: a program's streams, multiplexed.

The first byte of a message is its channel: 0 stdin, 1 stdout, 2 stderr, 3 the final Status, 4 the
terminal's size. Version 5 adds the message 255, 0: stdin has ended.
"""

import asyncio
import contextlib
import logging
import struct

import aiohttp
import msgspec
from aiohttp import web

from labctl.api import status
from labctl.api.objects import Obj
from labctl.cri.errors import CriError
from labctl.node.server.descriptors import Source, write_all
from labctl.node.server.streams import Streams

PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")

_STDIN, _STDOUT, _STDERR, _STATUS, _RESIZE, _CLOSE = 0, 1, 2, 3, 4, 255
_QUIET_SECONDS = 2.0  # for output left in pipes that somebody still holds open

_BAD_SIZES = (
    msgspec.DecodeError,
    RecursionError,
    OverflowError,
    KeyError,
    TypeError,
    ValueError,
    OSError,
    struct.error,
)

_log = logging.getLogger(__name__)


async def refuse(socket: web.WebSocketResponse, error: CriError, doing: str) -> None:
    """A command that cannot be executed ends with 126 or 127, as shells have it."""
    if error.code:
        await _send(socket, _STDERR, error.message.encode() + b"\n")
        await _send_status(socket, exit_status(error.code))
    else:
        text = f"error {doing} container: {error.message}"
        await _send_status(socket, status.internal_error(text).status)


def exit_status(code: int) -> Obj:
    """The Status by which clients learn a command's exit code."""
    if code == 0:
        return status.success()
    return {
        "metadata": {},
        "status": "Failure",
        "reason": "NonZeroExitCode",
        "message": f"command terminated with non-zero exit code: exit status {code}",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }


async def converse(socket: web.WebSocketResponse, streams: Streams) -> None:
    """Until the program ends, with the Status that tells how, or until the client hangs up."""
    sources = [
        (channel, Source(descriptor))
        for channel, descriptor in ((_STDOUT, streams.stdout), (_STDERR, streams.stderr))
        if descriptor >= 0
    ]
    incoming = asyncio.create_task(_receive(socket, streams))
    outgoing = asyncio.gather(*(_forward(socket, *source) for source in sources))
    ended = asyncio.create_task(streams.session.wait())
    try:
        await asyncio.wait((incoming, ended), return_when=asyncio.FIRST_COMPLETED)
        if ended.done() or (streams.leaves and not socket.closed):
            await _drain(outgoing, [source for _, source in sources])
            await _send_status(socket, _ending(ended) if ended.done() else status.success())
    finally:
        for task in (incoming, outgoing, ended):
            task.cancel()
        await asyncio.gather(incoming, outgoing, ended, return_exceptions=True)


def _ending(ended: "asyncio.Task[int]") -> Obj:
    try:
        return exit_status(ended.result())
    except CriError as error:
        return status.internal_error(error.message).status


async def _drain(outgoing: "asyncio.Future[list[None]]", sources: list[Source]) -> None:
    """Lets all output pass that is there, and does not wait for more.

    A pipe may stay open for ever, held by a child of the program's. That a client takes its time
    is no reason to stop.
    """
    while not outgoing.done():
        before = [source.taken for source in sources]
        await asyncio.wait((outgoing,), timeout=_QUIET_SECONDS)
        if all(source.empty for source in sources) and before == [s.taken for s in sources]:
            return


async def _forward(socket: web.WebSocketResponse, channel: int, source: Source) -> None:
    with contextlib.suppress(ConnectionError):  # the client went; `_receive` notices as well
        async for data in source.chunks():
            await _send(socket, channel, data)


async def _receive(socket: web.WebSocketResponse, streams: Streams) -> None:
    """Until the client hangs up, or has no more to say to a program that goes on without it."""
    async for message in socket:
        data = message.data.encode() if message.type is aiohttp.WSMsgType.TEXT else message.data
        if message.type not in (aiohttp.WSMsgType.BINARY, aiohttp.WSMsgType.TEXT) or not data:
            continue
        channel, rest = data[0], data[1:]
        if channel == _STDIN and rest:
            await _write(streams, rest)
        elif channel == _RESIZE:
            _resize(rest, streams)
        elif channel == _CLOSE and rest == bytes([_STDIN]):
            streams.end_stdin()
            if streams.leaves:
                return


async def _write(streams: Streams, data: bytes) -> None:
    if streams.stdin >= 0:
        try:
            await write_all(streams.stdin, data)
        except OSError:  # the program reads no more
            streams.end_stdin()


def _resize(data: bytes, streams: Streams) -> None:
    try:
        size = msgspec.json.decode(data)
        streams.resize(int(size["Height"]), int(size["Width"]))
    except _BAD_SIZES as error:
        _log.debug("terminal size %r: %s", data[:100], error)


async def _send(socket: web.WebSocketResponse, channel: int, data: bytes) -> None:
    await socket.send_bytes(bytes([channel]) + data)


async def _send_status(socket: web.WebSocketResponse, body: Obj) -> None:
    with contextlib.suppress(ConnectionError):
        await _send(socket, _STATUS, msgspec.json.encode(body))
