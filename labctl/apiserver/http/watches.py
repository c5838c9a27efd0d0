"""A watch on the wire: one line of JSON per event, sent when it happens, joined when many do."""

from collections.abc import Callable
from contextlib import aclosing

from aiohttp import web

from labctl.apiserver.answers import Stream
from labctl.apiserver.http import pieces


async def send_watch(
    http: web.BaseRequest, stream: Stream, told: Callable[[int], None]
) -> web.StreamResponse:
    """Streams a watch until it ends, or the client goes away or stops reading.

    `told` is called with the number of events, each time that some were sent.
    """
    async with aclosing(stream.portions) as portions:
        response = await pieces.begin(http)
        async for lines in portions:
            await pieces.send(http, response, (line.encoded() for line in lines))
            told(len(lines))
        return await pieces.end(http, response)
