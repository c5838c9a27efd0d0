"""port-forward over SPDY: a pair of streams, `error` and `data`, for each connection."""

import asyncio
import contextlib

from labctl.apiserver.kubelet.forwarding import Forwarder
from labctl.apiserver.spdy.connection import Stream, Wire, connected

PROTOCOL = "portforward.k8s.io"
_WAITING_MAX = 256  # streams without their other half: clients open both in one go

Half = tuple[str, str]  # a connection's number, and which of its streams


class _Pair:
    """A Caller: the streams of one connection."""

    def __init__(self, data: Stream, error: Stream) -> None:
        self.read = data.read
        self.write = data.write
        self._data = data
        self._error = error

    async def end(self) -> None:
        """Kubectl ends its own direction only once `error` has ended."""
        await self._data.end()
        await self._error.end()

    async def fail(self, message: str) -> None:
        await self._error.write(message.encode())

    async def close(self) -> None:
        await self._data.close()
        await self._error.close()


async def serve_streams(wire: Wire, forwarder: Forwarder) -> None:
    """Forwards what the client at `wire` asks for, until it hangs up."""
    try:
        async with connected(wire) as connection, asyncio.TaskGroup() as group:
            waiting: dict[Half, Stream] = {}
            while True:
                stream = await connection.accept()
                number, kind = _half(stream)
                port = _port(stream)
                known = kind in {"data", "error"} and port and (number, kind) not in waiting
                if not known or len(waiting) >= _WAITING_MAX:
                    await stream.reset()
                    continue
                waiting[number, kind] = stream
                if kind == "error":
                    stream.ignore()  # nothing is ever said there
                if {(number, "data"), (number, "error")} <= waiting.keys():
                    pair = _Pair(waiting.pop((number, "data")), waiting.pop((number, "error")))
                    group.create_task(_serve_pair(pair, forwarder, port))
    except* ConnectionError:
        pass  # the client hung up


async def _serve_pair(pair: _Pair, forwarder: Forwarder, port: int) -> None:
    with contextlib.suppress(ConnectionError):
        await forwarder.serve(pair, port)
        await pair.close()


def _half(stream: Stream) -> Half:
    """Clients that give no number open `data` right after its `error`."""
    kind = stream.headers.get("streamtype", "")
    number = stream.headers.get("requestid", "")
    return number or str(stream.number - (2 if kind == "data" else 0)), kind


def _port(stream: Stream) -> int:
    """The port that a stream is for, or 0 if it names none."""
    text = stream.headers.get("port", "")
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= 5 else 0
    return number if number <= 65535 else 0
