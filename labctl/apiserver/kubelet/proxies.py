"""Logs, exec and attach: served by the agent, passed on as they come."""

import asyncio
import contextlib
from collections.abc import Sequence
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web

from labctl.apiserver.http.exchange import Proxy
from labctl.apiserver.kubelet.agents import Agents
from labctl.apiserver.kubelet.location import locate
from labctl.apiserver.request import Request
from labctl.apiserver.server import ApiServer

_PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
_PASSED_HEADERS = ("Content-Type",)


def proxies(server: ApiServer, agents: Agents) -> dict[str, Proxy]:
    """The subresources that are served by agents."""

    async def logs(http: web.BaseRequest, request: Request) -> web.StreamResponse:
        return await _pass_log(server, agents, http, request)

    async def commands(http: web.BaseRequest, request: Request) -> web.StreamResponse:
        return await _pass_channels(server, agents, http, request)

    return {"log": logs, "exec": commands, "attach": commands}


async def _pass_log(
    server: ApiServer, agents: Agents, http: web.BaseRequest, request: Request
) -> web.StreamResponse:
    location = await locate(server.backend, request)
    query = urlsplit(http.raw_path).query
    answer = await agents.get(location.address, f"/containerLogs/{location.path}", query)
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


async def _pass_channels(
    server: ApiServer, agents: Agents, http: web.BaseRequest, request: Request
) -> web.StreamResponse:
    """Joins a client's WebSocket with one to the agent; both speak the same channel protocol."""
    location = await locate(server.backend, request)
    query = urlsplit(http.raw_path).query
    path = f"/{request.subresource}/{location.path}"
    offered = _offered(http)
    if not offered:  # the agent says what else is wrong, or that an upgrade is required
        raise await agents.refusal(location.address, path, query)
    inner = await agents.websocket(location.address, path, query, offered)
    async with inner:
        outer = web.WebSocketResponse(protocols=[inner.protocol or offered[0]], max_msg_size=0)
        await outer.prepare(http)
        await _join(outer, inner)
        await outer.close()
    return outer


def _offered(http: web.BaseRequest) -> Sequence[str]:
    """The channel protocols that a client offers, of those that are understood."""
    if http.headers.get("Upgrade", "").lower() != "websocket":
        return ()
    header = ",".join(http.headers.getall("Sec-WebSocket-Protocol", ()))
    names = [name.strip() for name in header.split(",")]
    return [name for name in _PROTOCOLS if name in names]


WebSocket = web.WebSocketResponse | aiohttp.ClientWebSocketResponse


async def _join(outer: WebSocket, inner: WebSocket) -> None:
    """Passes messages both ways until either end closes."""
    pumps = [
        asyncio.create_task(_pump(outer, inner)),
        asyncio.create_task(_pump(inner, outer)),
    ]
    try:
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)


async def _pump(source: WebSocket, sink: WebSocket) -> None:
    with contextlib.suppress(ConnectionError, aiohttp.ClientError):
        async for message in source:
            if message.type is aiohttp.WSMsgType.BINARY:
                await sink.send_bytes(message.data)
            elif message.type is aiohttp.WSMsgType.TEXT:
                await sink.send_str(message.data)
