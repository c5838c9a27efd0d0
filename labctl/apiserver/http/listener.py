"""A way in: an API server on a socket that somebody else made, in whichever namespace.

A socket belongs to the network namespace in which it was made, so one process can listen in several.
"""

import asyncio
import socket
import ssl
from typing import Any

from aiohttp import web

from labctl.apiserver.http.exchange import BODY_LIMIT, Exchange, Proxy
from labctl.apiserver.http.liveness import BACKLOG, watch_peers
from labctl.apiserver.kubelet.agents import Agents
from labctl.apiserver.kubelet.proxies import proxies
from labctl.apiserver.server import ApiServer

_HEAD_LIMIT = 64 * 1024  # bytes of request line and header: exec has its command in the query
_SHUTDOWN_SECONDS = 2.0


class Listener:
    """A socket being listened on; made by `listen`, ended by `close`."""

    def __init__(self, runner: web.ServerRunner, site: web.SockSite, server: ApiServer) -> None:
        self._runner = runner
        self._site = site
        self._server = server

    async def close(self) -> None:
        """Stops accepting, ends watches as if their time was over, then cuts what is left."""
        await self._site.stop()
        self._server.cache.end_watches()
        await self._runner.cleanup()


async def listen(
    server: ApiServer,
    sock: socket.socket,
    ssl_context: ssl.SSLContext | None = None,
    agents: Agents | None = None,
) -> Listener:
    """Serves `server` on a bound socket, which the listener then owns.

    With `ssl_context` the peer is who its certificate says; a Unix socket needs none, since the
    kernel tells the peer's user. `agents` is the hop for logs and exec; without it there are none.
    """
    if sock.family != socket.AF_UNIX:
        watch_peers(sock)
    sock.setblocking(False)
    handlers: dict[str, Proxy] = proxies(server, agents) if agents else {}
    runner = web.ServerRunner(
        _server(Exchange(server, handlers)),
        handle_signals=False,
        shutdown_timeout=_SHUTDOWN_SECONDS,
    )
    await runner.setup()
    site = web.SockSite(runner, sock, ssl_context=ssl_context, backlog=BACKLOG)
    await site.start()
    return Listener(runner, site, server)


def _server(exchange: Exchange) -> web.Server:
    return web.Server(
        exchange,
        request_factory=_request,
        handler_cancellation=True,  # else a watch goes on after its client has gone
        access_log=None,
        max_line_size=_HEAD_LIMIT,
        max_field_size=_HEAD_LIMIT,
    )


def _request(
    message: Any, payload: Any, protocol: Any, writer: Any, task: "asyncio.Task[None]"
) -> web.BaseRequest:
    loop = asyncio.get_running_loop()
    return web.BaseRequest(
        message, payload, protocol, writer, task, loop, client_max_size=BODY_LIMIT
    )
