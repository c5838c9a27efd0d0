"""Long answers, a piece at a time, each when the one before is on its way.

What a client has not read yet then stays what it is in the cache, where all clients share it, and
does not become text, which would be each client's own.
"""

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from aiohttp import web
from aiohttp.http import HttpVersion11

from labctl.apiserver.request import JSON

PIECE = 256 * 1024  # bytes; a single text may be longer


@dataclass(frozen=True, slots=True)
class Pieces:
    """An answer that has begun, to a client that may leave a full buffer unread for so long."""

    response: web.StreamResponse
    transport: asyncio.Transport
    stall_seconds: float

    async def send(self, texts: Iterable[bytes]) -> None:
        """Raises ConnectionError when the client is gone, or reads no more."""
        for piece in _pieces(texts):
            with self._impatience():
                await self.response.write(piece)

    async def end(self) -> web.StreamResponse:
        """What a handler returns; raises ConnectionError."""
        with self._impatience():
            await self.response.write_eof()
        return self.response

    @contextmanager
    def _impatience(self) -> Iterator[None]:
        """Cuts the connection if what is inside does not end in time.

        A client that never reads would otherwise hold its connection and its buffers for ever.
        """
        loop = asyncio.get_running_loop()
        timer = loop.call_later(self.stall_seconds, self.transport.abort)
        try:
            yield
        finally:
            timer.cancel()


async def begin(http: web.BaseRequest, stall_seconds: float) -> Pieces:
    """200 with JSON of unknown length. Sends the head: clients of watches wait for that."""
    response = web.StreamResponse(headers={"Content-Type": JSON})
    if http.version >= HttpVersion11:
        response.enable_chunked_encoding()
    else:  # the end of the connection is the end of the answer
        response.force_close()
    transport = http.transport
    if transport is None:
        raise ConnectionResetError
    await response.prepare(http)
    return Pieces(response, transport, stall_seconds)


def _pieces(texts: Iterable[bytes]) -> Iterator[bytes]:
    waiting, size = list[bytes](), 0
    for text in texts:
        waiting.append(text)
        size += len(text)
        if size >= PIECE:
            yield b"".join(waiting)
            waiting, size = [], 0
    if waiting:
        yield b"".join(waiting)
