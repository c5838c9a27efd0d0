"""A watch on the wire: one line of JSON per event, sent when it happens, joined when many do."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager

from aiohttp import web

from labctl.apiserver.answers import Stream

_STALL_SECONDS = 30.0  # how long a client may leave a full buffer unread


async def send_watch(
    http: web.BaseRequest, stream: Stream, told: Callable[[int], None]
) -> web.StreamResponse:
    """Streams a watch until it ends, or the client goes away or stops reading.

    `told` is called with the number of events, each time that some were sent.
    """
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    response.enable_chunked_encoding()
    async with aclosing(stream.portions) as portions:
        await response.prepare(http)  # sends the headers: clients wait for them, not for events
        async for lines in portions:
            data = b"".join([line.encoded() for line in lines])
            async with _impatience(http):
                await response.write(data)
            told(len(lines))
        async with _impatience(http):
            await response.write_eof()
    return response


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
