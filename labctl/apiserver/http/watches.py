"""A watch on the wire: one line of JSON per event, sent when it happens, joined when many do."""

from collections.abc import Callable
from contextlib import aclosing

from aiohttp import web

from labctl.apiserver.answers import Stream
from labctl.apiserver.http import pieces


async def send_watch(
    http: web.BaseRequest, stream: Stream, stall_seconds: float, told: Callable[[int], None]
) -> web.StreamResponse:
    """Streams a watch until it ends, or the client goes away or stops reading.

    `told` is called with the number of events, each time that some were sent.
    """
    async with aclosing(stream.portions) as portions:
        sent = await pieces.begin(http, stall_seconds)
        async for lines in portions:
            await sent.send(line.encoded() for line in lines)
            told(len(lines))
        return await sent.end()
