"""The body of a request, in time and in bounds."""

import asyncio

from aiohttp import web

from labctl.api import status
from labctl.apiserver.http.limits import Limits


def arrived_body(http: web.BaseRequest) -> bytes | None:
    """The body if it came with the head, as small ones do; None if there is none, or more to come."""
    content = http.content
    return content.read_nowait() if content.is_eof() and not content.at_eof() else None


async def read_body(http: web.BaseRequest, limits: Limits) -> bytes:
    """All of it; raises 400 for what is cut off, 413 for too much, 504 when it is too slow."""
    limit = limits.body_bytes
    if (http.content_length or 0) > limit:
        raise status.body_too_large(limit)
    if http.headers.get("Expect", "").lower() == "100-continue" and http.transport is not None:
        # curl asks before it sends a large body, and waits a second for the answer (RFC 9110, 10.1.1)
        http.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    try:
        async with asyncio.timeout(limits.body_seconds):
            return await http.read()
    except web.HTTPRequestEntityTooLarge:
        raise status.body_too_large(limit) from None
    except web.RequestPayloadError as error:
        raise status.bad_request(f"the body cannot be read: {error}") from None
    except TimeoutError:
        why = "Timeout: request did not complete within requested timeout - its body is missing"
        raise status.timeout(why) from None
