"""A way in: an API server on a socket that somebody else made, in whichever namespace.

A socket belongs to the network namespace in which it was made, so one process can listen in several.
"""

import socket
import ssl

from labctl.apiserver.http.acceptor import Acceptor
from labctl.apiserver.http.connection import Server
from labctl.apiserver.http.exchange import Exchange, Proxy
from labctl.apiserver.http.limits import USUAL, Limits
from labctl.apiserver.http.liveness import BACKLOG, watch_peers
from labctl.apiserver.kubelet.agents import Agents
from labctl.apiserver.kubelet.proxies import proxies
from labctl.apiserver.server import ApiServer

_SHUTDOWN_SECONDS = 2.0


class Listener:
    """A socket being listened on; made by `listen`, ended by `close`."""

    def __init__(self, acceptor: Acceptor, http: Server, server: ApiServer) -> None:
        self._acceptor = acceptor
        self._http = http
        self._server = server

    async def close(self) -> None:
        """Stops accepting, ends watches as if their time was over, then cuts what is left."""
        await self._acceptor.close()
        self._server.cache.end_watches()
        self._http.pre_shutdown()
        await self._http.shutdown(_SHUTDOWN_SECONDS)


async def listen(
    server: ApiServer,
    sock: socket.socket,
    ssl_context: ssl.SSLContext | None = None,
    agents: Agents | None = None,
    limits: Limits = USUAL,
) -> Listener:
    """Serves `server` on a bound socket, which the listener then owns.

    With `ssl_context` the peer is who its certificate says; a Unix socket needs none, since the
    kernel tells the peer's user. `agents` is the hop for logs and exec; without it there are none.
    """
    if sock.family != socket.AF_UNIX:
        watch_peers(sock)
    sock.setblocking(False)
    sock.listen(BACKLOG)
    handlers: dict[str, Proxy] = proxies(server, agents) if agents else {}
    http = Server(Exchange(server, handlers, limits), limits)
    return Listener(Acceptor(sock, http, ssl_context, limits), http, server)
