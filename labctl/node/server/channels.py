"""Kubernetes' channel protocol over a WebSocket: a command's streams, multiplexed.

The first byte of a message is its channel: 0 stdin, 1 stdout, 2 stderr, 3 the final Status, 4 the
terminal's size. Version 5 adds the message 255, 0: stdin has ended.
"""

import asyncio
import contextlib
import logging

import aiohttp
import msgspec
from aiohttp import web

from labctl.api import status
from labctl.api.objects import Obj
from labctl.cri.client import RuntimeClient
from labctl.cri.errors import CriError
from labctl.node.server.descriptors import read_chunks, write_all
from labctl.node.server.exec_streams import ExecStreams

PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")

_STDIN, _STDOUT, _STDERR, _STATUS, _RESIZE, _CLOSE = 0, 1, 2, 3, 4, 255
_DRAIN_SECONDS = 2.0  # for output that a command left in its pipes, which a child may hold open

_log = logging.getLogger(__name__)


async def serve_exec(
    socket: web.WebSocketResponse,
    runtime: RuntimeClient,
    container: str,
    command: tuple[str, ...],
    *,
    stdin: bool,
    tty: bool,
) -> None:
    """Runs `command` for the client at `socket` and tells it how that ended.

    Without `stdin` the command finds its input at the end.
    """
    try:
        streams = await ExecStreams.start(runtime, container, command, tty=tty)
    except CriError as error:
        await _refuse(socket, error)
        return
    try:
        if not stdin:
            streams.end_stdin()
        await _converse(socket, streams)
    finally:
        streams.close()


async def _refuse(socket: web.WebSocketResponse, error: CriError) -> None:
    """A command that cannot be executed ends with 126 or 127, as shells have it."""
    if error.code:
        await _send(socket, _STDERR, error.message.encode() + b"\n")
        await _send_status(socket, exit_status(error.code))
    else:
        text = f"error executing command in container: {error.message}"
        await _send_status(socket, status.internal_error(text).status)


async def _converse(socket: web.WebSocketResponse, streams: ExecStreams) -> None:
    """Until the command ends or the client hangs up, whichever comes first."""
    incoming = asyncio.create_task(_receive(socket, streams))
    outgoing = asyncio.create_task(_send_output(socket, streams))
    ended = asyncio.create_task(streams.session.wait())
    try:
        await asyncio.wait((incoming, ended), return_when=asyncio.FIRST_COMPLETED)
        if not ended.done():
            return
        await asyncio.wait((outgoing,), timeout=_DRAIN_SECONDS)
        await _send_status(socket, _ending(ended))
    finally:
        for task in (incoming, outgoing, ended):
            task.cancel()
        await asyncio.gather(incoming, outgoing, ended, return_exceptions=True)


def _ending(ended: "asyncio.Task[int]") -> Obj:
    try:
        return exit_status(ended.result())
    except CriError as error:
        return status.internal_error(error.message).status


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


async def _send_output(socket: web.WebSocketResponse, streams: ExecStreams) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(_forward(socket, _STDOUT, streams.stdout))
        if streams.stderr >= 0:
            group.create_task(_forward(socket, _STDERR, streams.stderr))


async def _forward(socket: web.WebSocketResponse, channel: int, descriptor: int) -> None:
    with contextlib.suppress(ConnectionError):  # the client went; `_receive` notices as well
        async for data in read_chunks(descriptor):
            await _send(socket, channel, data)


async def _receive(socket: web.WebSocketResponse, streams: ExecStreams) -> None:
    async for message in socket:
        if message.type is aiohttp.WSMsgType.BINARY:
            await _take(message.data, streams)
        elif message.type is aiohttp.WSMsgType.TEXT:  # the Python client sends stdin so
            await _take(message.data.encode(), streams)


async def _take(data: bytes, streams: ExecStreams) -> None:
    if not data:
        return
    channel, rest = data[0], data[1:]
    if channel == _STDIN and rest and streams.stdin >= 0:
        try:
            await write_all(streams.stdin, rest)
        except OSError:  # the command reads no more
            streams.end_stdin()
    elif channel == _RESIZE:
        _resize(rest, streams)
    elif channel == _CLOSE and rest == bytes([_STDIN]):
        streams.end_stdin()


def _resize(data: bytes, streams: ExecStreams) -> None:
    try:
        size = msgspec.json.decode(data)
        streams.resize(int(size["Height"]), int(size["Width"]))
    except (msgspec.DecodeError, KeyError, TypeError, ValueError, OSError) as error:
        _log.debug("terminal size %r: %s", data, error)


async def _send(socket: web.WebSocketResponse, channel: int, data: bytes) -> None:
    await socket.send_bytes(bytes([channel]) + data)


async def _send_status(socket: web.WebSocketResponse, body: Obj) -> None:
    with contextlib.suppress(ConnectionError):
        await _send(socket, _STATUS, msgspec.json.encode(body))
