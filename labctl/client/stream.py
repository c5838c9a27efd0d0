"""Running a command in a container, joining what runs there, and reading its log, through the API.

exec and attach speak Kubernetes' channel protocol over a WebSocket: the first byte of each message is the
channel (0 stdin, 1 stdout, 2 stderr, 3 the final Status, 4 terminal size); version 5 adds the
message 255, 0 for "stdin has ended", which version 4 cannot say.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final

import aiohttp
import msgspec

from labctl.api.objects import Obj
from labctl.client.http import HttpTransport
from labctl.errors import StatusError

_STDIN: Final = b"\x00"
_RESIZE: Final = b"\x04"
_STDIN_ENDED: Final = b"\xff\x00"
_STDOUT_CHANNEL, _STDERR_CHANNEL, _STATUS_CHANNEL = 1, 2, 3

Sink = Callable[[bytes], None]


async def exec_stream(
    transport: HttpTransport,
    namespace: str,
    pod: str,
    container: str,
    command: Sequence[str],
    *,
    stdin: AsyncIterator[bytes] | None = None,
    stdout: Sink,
    stderr: Sink,
    tty: bool = False,
    resize: AsyncIterator[tuple[int, int]] | None = None,
) -> int:
    """Runs `command` in the container and returns its exit code.

    `stdin` yields what to send and ends when there is no more; `resize` yields (columns, rows).
    An empty `container` means the pod's only, or default, one. Raises StatusError when the command
    could not be started or the connection was lost before it ended.
    """
    flags = {"stdin": stdin is not None, "stdout": True, "stderr": not tty, "tty": tty}
    query = [("command", word) for word in command]
    query += [(flag, str(on).lower()) for flag, on in flags.items()]
    if container:
        query.append(("container", container))
    path = f"/api/v1/namespaces/{namespace}/pods/{pod}/exec"
    socket = await transport.websocket(path, query)
    return await _converse(socket, stdin, stdout, stderr, resize)


async def attach_stream(
    transport: HttpTransport,
    namespace: str,
    pod: str,
    container: str,
    *,
    stdin: AsyncIterator[bytes] | None = None,
    stdout: Sink,
    stderr: Sink,
    tty: bool = False,
    resize: AsyncIterator[tuple[int, int]] | None = None,
) -> None:
    """Joins what runs in the container, until it ends. Raises StatusError as `exec_stream`."""
    flags = {"stdin": stdin is not None, "stdout": True, "stderr": not tty, "tty": tty}
    query = [(flag, str(on).lower()) for flag, on in flags.items()]
    path = f"/api/v1/namespaces/{namespace}/pods/{pod}/attach"
    socket = await transport.websocket(path, [*query, ("container", container)])
    await _converse(socket, stdin, stdout, stderr, resize)


async def _converse(
    socket: aiohttp.ClientWebSocketResponse,
    stdin: AsyncIterator[bytes] | None,
    stdout: Sink,
    stderr: Sink,
    resize: AsyncIterator[tuple[int, int]] | None,
) -> int:
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(socket.close)
        for feed in (_send_stdin(socket, stdin), _send_sizes(socket, resize)):
            stack.push_async_callback(_end, asyncio.create_task(feed))
        return await _receive(socket, stdout, stderr)


async def _send_stdin(
    socket: aiohttp.ClientWebSocketResponse, stdin: AsyncIterator[bytes] | None
) -> None:
    if stdin is None:
        return
    async for data in stdin:
        if data:
            await socket.send_bytes(_STDIN + data)
    if socket.protocol == "v5.channel.k8s.io":
        await socket.send_bytes(_STDIN_ENDED)


async def _send_sizes(
    socket: aiohttp.ClientWebSocketResponse, resize: AsyncIterator[tuple[int, int]] | None
) -> None:
    if resize is None:
        return
    async for columns, rows in resize:
        size = msgspec.json.encode({"Width": columns, "Height": rows})
        await socket.send_bytes(_RESIZE + size)


async def _receive(socket: aiohttp.ClientWebSocketResponse, stdout: Sink, stderr: Sink) -> int:
    sinks = {_STDOUT_CHANNEL: stdout, _STDERR_CHANNEL: stderr}
    async for message in socket:
        if message.type is not aiohttp.WSMsgType.BINARY or not message.data:
            continue
        channel, data = message.data[0], message.data[1:]
        if channel == _STATUS_CHANNEL:
            return exit_code(msgspec.json.decode(data))
        if data and channel in sinks:
            sinks[channel](data)
    raise StatusError(
        {"kind": "Status", "code": 500, "message": "connection lost before the command ended"}
    )


def exit_code(status: Obj) -> int:
    """The exit code that a final Status of exec tells; raises StatusError if it tells none."""
    if status.get("status") == "Success":
        return 0
    for cause in status.get("details", {}).get("causes") or ():
        if cause.get("reason") == "ExitCode":
            return int(cause["message"])
    raise StatusError(status)


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError, ConnectionError, aiohttp.ClientError):
        await task
