"""The body of a request, in time and in bounds."""

import asyncio

from aiohttp import web

from labctl.api import status

_SECONDS = 60.0  # as kube-apiserver gives a request; 3 MB come at 50 KB/s


async def read_body(http: web.BaseRequest, limit: int) -> bytes:
    """All of it; raises 400 for what is cut off, 413 beyond `limit` bytes, 504 when it is slow."""
    if (http.content_length or 0) > limit:
        raise status.body_too_large(limit)
    if http.headers.get("Expect", "").lower() == "100-continue" and http.transport is not None:
        # curl asks before it sends a large body, and waits a second for the answer (RFC 9110, 10.1.1)
        http.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    try:
        async with asyncio.timeout(_SECONDS):
            return await http.read()
    except web.HTTPRequestEntityTooLarge:
        raise status.body_too_large(limit) from None
    except web.RequestPayloadError as error:
        raise status.bad_request(f"the body cannot be read: {error}") from None
    except TimeoutError:
        why = "Timeout: request did not complete within requested timeout - its body is missing"
        raise status.timeout(why) from None
