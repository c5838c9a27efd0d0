"""Takes connections from a listening socket: many of one peer, but not all that there can be.

An event loop's own server accepts whatever comes, and keeps for a minute who never ends a TLS
handshake. A pod that opens connections without end would take the descriptors that the whole process
has; here it takes those of its node, for in the fabric a node's pods come with its address.
"""

import asyncio
import contextlib
import socket
import ssl
from collections import Counter
from collections.abc import Callable

from labctl.apiserver.http.connection import Connection
from labctl.apiserver.http.limits import Limits

_PAUSE_SECONDS = 0.1  # when the process has no descriptors left


class Acceptor:
    """Serves each connection in one that `make` makes, until `close`."""

    def __init__(
        self,
        sock: socket.socket,
        make: Callable[[], Connection],
        tls: ssl.SSLContext | None,
        limits: Limits,
    ) -> None:
        self._sock = sock
        self._make = make
        self._tls = tls
        self._limits = limits
        self._open: Counter[str] = Counter()
        self._beginning: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()
        self._resume()

    async def close(self) -> None:
        """Takes no more; those that are there go on."""
        self._loop.remove_reader(self._sock)
        self._sock.close()
        for task in self._beginning:
            task.cancel()
        await asyncio.gather(*self._beginning, return_exceptions=True)

    def _resume(self) -> None:
        """Not by `sock_accept`: cancelled, it may yet take a connection that nobody then has."""
        if self._sock.fileno() >= 0:
            self._loop.add_reader(self._sock, self._accept)

    def _accept(self) -> None:
        try:
            accepted, address = self._sock.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        except OSError:
            self._loop.remove_reader(self._sock)
            self._loop.call_later(_PAUSE_SECONDS, self._resume)
            return
        accepted.setblocking(False)
        peer = address[0] if isinstance(address, tuple) else ""
        if self._is_full(peer):
            accepted.close()
            return
        self._open[peer] += 1
        task = self._loop.create_task(self._begin(accepted, peer))
        self._beginning.add(task)
        task.add_done_callback(self._beginning.discard)

    def _is_full(self, peer: str) -> bool:
        """Whether there is no room for one more; a Unix socket's peers are all root."""
        most = self._limits.connections_of_a_peer if peer else self._limits.connections
        return self._open[peer] >= most or self._open.total() >= self._limits.connections

    async def _begin(self, accepted: socket.socket, peer: str) -> None:
        """Makes a connection of it; one that comes to nothing leaves its place at once."""
        place = contextlib.ExitStack()
        place.callback(self._leave, peer)

        def make() -> Connection:
            connection = self._make()
            connection.on_lost = place.close  # does nothing the second time
            return connection

        try:
            await self._loop.connect_accepted_socket(
                make,
                accepted,
                ssl=self._tls,
                ssl_handshake_timeout=self._limits.handshake_seconds if self._tls else None,
            )
        except OSError:  # of TLS, too: who cannot speak it is gone
            accepted.close()
            place.close()
        except BaseException:
            accepted.close()
            place.close()
            raise

    def _leave(self, peer: str) -> None:
        self._open[peer] -= 1
        if not self._open[peer]:
            del self._open[peer]
