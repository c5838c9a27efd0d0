"""The API over the lab's Unix socket for the command line, without an HTTP library.

`labctl get pods` shall take no longer than kubectl does, and importing aiohttp alone would cost it
a quarter of a second. On a socket of this machine, to a server of this program, HTTP/1.1 is a
request line, a few headers, and a body that is counted or chunked (RFC 9112). exec needs
WebSocket and uses `HttpTransport`.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from labctl.api.objects import Obj
from labctl.client.answers import Lines, decode_answer
from labctl.client.transport import AGENT, unreachable

_READ = 1 << 18
_REQUEST_SECONDS = 15.0
_FAILURES = (OSError, EOFError, TimeoutError, ValueError)

Pairs = Mapping[str, str] | Sequence[tuple[str, str]]


class UnixTransport:
    """A Transport whose every request has a connection of its own: they cost microseconds."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] = {},
        body: Obj | list[Any] | None = None,
        content_type: str = "application/json",
        accept: str = "application/json",
    ) -> Obj:
        data = b"" if body is None else msgspec.json.encode(body)
        headers = {"Accept": accept, "Content-Length": str(len(data))}
        if body is not None:
            headers["Content-Type"] = content_type
        head = _request_head(method, path, query, headers)
        try:
            async with asyncio.timeout(_REQUEST_SECONDS), self._answer(head + data) as answer:
                raw = b"".join([chunk async for chunk in answer.body()])
                status = answer.status
        except _FAILURES as error:
            raise unreachable(str(self._path), error) from error
        return decode_answer(status, raw)

    async def stream(
        self, path: str, query: Mapping[str, str], accept: str = "application/json"
    ) -> AsyncGenerator[Obj, None]:
        lines = Lines()
        async with contextlib.aclosing(self.raw(path, query, accept)) as chunks:
            async for chunk in chunks:
                for event in lines.feed(chunk):
                    yield event

    async def raw(
        self, path: str, query: Pairs = (), accept: str = "application/json"
    ) -> AsyncGenerator[bytes, None]:
        """The bytes of an answer as they come (watches, logs); raises StatusError."""
        head = _request_head("GET", path, query, {"Accept": accept})
        try:
            async with self._answer(head) as answer:
                if answer.status >= 400:
                    decode_answer(answer.status, b"".join([c async for c in answer.body()]))
                async for chunk in answer.body():
                    yield chunk
        except _FAILURES as error:
            raise unreachable(str(self._path), error) from error

    async def close(self) -> None:
        """Nothing outlives its request."""

    @contextlib.asynccontextmanager
    async def _answer(self, request: bytes) -> AsyncIterator["_Answer"]:
        reader, writer = await asyncio.open_unix_connection(self._path, limit=_READ)
        try:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            yield _Answer(head.decode("latin-1"), reader)
        finally:
            writer.transport.abort()


class _Answer:
    """Status and headers of an answer, and its body as it comes."""

    def __init__(self, head: str, reader: asyncio.StreamReader) -> None:
        first, *lines = head.rstrip().split("\r\n")
        pairs = (line.split(":", 1) for line in lines)
        self.status = int(first.split(" ", 2)[1])
        self._headers = {name.lower(): value.strip() for name, value in pairs}
        self._reader = reader

    async def body(self) -> AsyncGenerator[bytes, None]:
        if self._headers.get("transfer-encoding", "").lower() == "chunked":
            async for chunk in self._chunks():
                yield chunk
        elif "content-length" in self._headers:
            yield await self._reader.readexactly(int(self._headers["content-length"]))
        else:
            while chunk := await self._reader.read(_READ):
                yield chunk

    async def _chunks(self) -> AsyncGenerator[bytes, None]:
        while True:
            size = int((await self._reader.readline()).split(b";")[0], 16)
            data = await self._reader.readexactly(size + 2)
            if size == 0:
                return
            yield data[:-2]


def _request_head(method: str, path: str, query: Pairs, headers: Mapping[str, str]) -> bytes:
    target = quote(path, safe="/:@") + (f"?{urlencode(query)}" if query else "")
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost", "Connection: close"]
    lines.append(f"User-Agent: {AGENT}")
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()
