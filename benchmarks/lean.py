"""A client that costs next to nothing: keeps connections busy with ready-made requests.

What is measured is then the server, not aiohttp's client, which costs as much as a request's answer.
"""

import asyncio
import ssl
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

Request = Callable[[int], bytes]
"""The bytes of the request with that number."""


class _Busy(asyncio.Protocol):
    """Sends requests one after the other over one connection until `take` gives no more."""

    def __init__(self, take: Callable[[], bytes | None], done: "asyncio.Future[None]") -> None:
        self._take = take
        self._done = done
        self._data = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance
        self._next()

    def data_received(self, data: bytes) -> None:
        self._data += data
        end = self._data.find(b"\r\n\r\n")
        if end < 0 or not _is_whole(self._data, end + 4):
            return
        if self._data[9:10] != b"2":
            self._fail(RuntimeError(self._data.decode(errors="replace")[:600]))
            return
        self._data.clear()
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(exc or ConnectionResetError())

    def _next(self) -> None:
        assert self._transport is not None
        request = self._take()
        if request is not None:
            self._transport.write(request)
            return
        if not self._done.done():
            self._done.set_result(None)
        self._transport.close()

    def _fail(self, error: Exception) -> None:
        if not self._done.done():
            self._done.set_exception(error)


def _is_whole(answer: bytearray, head: int) -> bool:
    """Whether an answer with so long a head is there to its end (RFC 9112 §6.3)."""
    _, told, length = answer[:head].lower().partition(b"content-length:")
    if not told:
        return answer.endswith(b"0\r\n\r\n")  # chunked, as long lists are
    return len(answer) - head >= int(length.split(b"\r\n")[0])


async def flood(
    url: str, tls: ssl.SSLContext, request: Request, count: int, connections: int
) -> float:
    """Seconds that `count` requests take over so many connections, opened beforehand or not."""
    loop = asyncio.get_running_loop()
    numbers = iter(range(count))

    def take() -> bytes | None:
        number = next(numbers, None)
        return None if number is None else request(number)

    address = urlsplit(url)
    host, port = address.hostname or "", address.port or 443
    waiting: list[asyncio.Future[None]] = []
    started = time.perf_counter()
    for _ in range(connections):
        done: asyncio.Future[None] = loop.create_future()
        waiting.append(done)
        await loop.create_connection(partial(_Busy, take, done), host, port, ssl=tls)
    await asyncio.gather(*waiting)
    return time.perf_counter() - started


def client_context(pki: Path, name: str = "admin") -> ssl.SSLContext:
    """TLS as the lab's admin."""
    context = ssl.create_default_context(cafile=str(pki / "ca.crt"))
    context.load_cert_chain(pki / f"{name}.crt", pki / f"{name}.key")
    return context


def encoded(method: str, path: str, body: bytes = b"") -> bytes:
    """A request as it goes over the wire."""
    head = f"{method} {path} HTTP/1.1\r\nHost: api\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
