"""Long answers, a piece at a time, each when the one before is on its way.

What a client has not read yet then stays what it is in the cache, where all clients share it, and
does not become text, which would be each client's own.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager

from aiohttp import web
from aiohttp.http import HttpVersion11

from labctl.apiserver.request import JSON

PIECE = 256 * 1024  # bytes; a single text may be longer
_STALL_SECONDS = 30.0  # how long a client may leave a full buffer unread


async def begin(http: web.BaseRequest) -> web.StreamResponse:
    """200 with JSON of unknown length. Sends the head: clients of watches wait for that."""
    response = web.StreamResponse(headers={"Content-Type": JSON})
    if http.version >= HttpVersion11:
        response.enable_chunked_encoding()
    else:  # the end of the connection is the end of the answer
        response.force_close()
    await response.prepare(http)
    return response


async def send(http: web.BaseRequest, response: web.StreamResponse, texts: Iterable[bytes]) -> None:
    """Raises ConnectionError when the client is gone, or reads no more."""
    for piece in _pieces(texts):
        async with _impatience(http):
            await response.write(piece)


async def end(http: web.BaseRequest, response: web.StreamResponse) -> web.StreamResponse:
    """What a handler returns; raises ConnectionError."""
    async with _impatience(http):
        await response.write_eof()
    return response


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


@asynccontextmanager
async def _impatience(http: web.BaseRequest) -> AsyncIterator[None]:
    """Cuts the connection if what is inside does not end in time.

    A client that never reads would otherwise hold its connection and its buffers for ever.
    """
    transport = http.transport
    if transport is None:
        raise ConnectionResetError
    timer = asyncio.get_running_loop().call_later(_STALL_SECONDS, transport.abort)
    try:
        yield
    finally:
        timer.cancel()
