"""A container's log, passed on as the agent sends it."""

import contextlib
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web

from labctl.apiserver.kubelet.agents import Agents
from labctl.apiserver.kubelet.location import Location

_PASSED_HEADERS = ("Content-Type",)


async def pass_log(http: web.BaseRequest, agents: Agents, place: Location) -> web.StreamResponse:
    """Raises 503 when the agent cannot be reached."""
    answer = await agents.get(
        place.address, f"/containerLogs/{place.path}", urlsplit(http.raw_path).query
    )
    async with contextlib.aclosing(_Closing(answer)):
        headers = {name: answer.headers[name] for name in _PASSED_HEADERS if name in answer.headers}
        response = web.StreamResponse(status=answer.status, headers=headers)
        # Whoever followed has had enough, or the agent ended: either way the log ends here.
        with contextlib.suppress(ConnectionError, aiohttp.ClientError):
            await response.prepare(http)
            async for chunk in answer.content.iter_any():
                await response.write(chunk)
            await response.write_eof()
    return response


class _Closing:
    """Lets `aclosing` close a client's response, whose own `close` is synchronous."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def aclose(self) -> None:
        self._response.close()
