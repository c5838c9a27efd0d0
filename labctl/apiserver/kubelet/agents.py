"""Connections to agents, which listen on their node's InternalIP as kubelets do."""

import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import aiohttp
import msgspec
import yarl

from labctl.api import status
from labctl.api.objects import Obj
from labctl.errors import StatusError
from labctl.names import AGENT_PORT

SocketFactory = Callable[[Any], socket.socket]
_CONNECT_SECONDS = 10.0
_CLOSE_SECONDS = 1.0  # an agent that cannot pass on what was sent does not see the end of it
_RESET_AT_CLOSE = (socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
_FAILURES = (aiohttp.ClientConnectionError, TimeoutError, OSError)


class Agents:
    """Opens streams to agents, from wherever `socket_factory` makes its sockets.

    The factory is aiohttp's: it takes an address as getaddrinfo tells it and returns a non-blocking
    socket, made in the control plane's network namespace.
    """

    def __init__(self, tls: ssl.SSLContext, socket_factory: SocketFactory | None = None) -> None:
        self._tls = tls
        self._socket_factory = socket_factory
        self._session: aiohttp.ClientSession | None = None

    async def get(self, address: str, path: str, query: str) -> aiohttp.ClientResponse:
        """A GET whose body is still to be read; raises 503 if the agent cannot be reached."""
        try:
            return await self._open().get(_url(address, path, query))
        except _FAILURES as error:
            raise _unreachable(address, error) from error

    @contextlib.asynccontextmanager
    async def websocket(
        self, address: str, path: str, query: str, protocols: Sequence[str]
    ) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """An open WebSocket; raises 503, or the Status that the agent answered instead."""
        inner = await self._upgraded(address, path, query, protocols)
        try:
            yield inner
        finally:
            if not inner.closed:  # left before its end: what the agent has not read is in the way
                inner.get_extra_info("socket").setsockopt(*_RESET_AT_CLOSE)
            await inner.close()

    async def _upgraded(
        self, address: str, path: str, query: str, protocols: Sequence[str]
    ) -> aiohttp.ClientWebSocketResponse:
        try:
            return await self._open().ws_connect(
                _url(address, path, query),
                protocols=protocols,
                max_msg_size=0,
                timeout=aiohttp.ClientWSTimeout(ws_close=_CLOSE_SECONDS),
            )
        except aiohttp.WSServerHandshakeError:
            raise await self.refusal(address, path, query) from None
        except _FAILURES as error:
            raise _unreachable(address, error) from error

    async def refusal(self, address: str, path: str, query: str) -> StatusError:
        """Why the agent does not upgrade a connection; raises 503.

        It is asked again without an upgrade: aiohttp drops the body of a refused handshake.
        """
        answer = await self.get(address, path, query)
        text = await answer.text(errors="replace")
        try:
            told = msgspec.json.decode(text, type=Obj)
        except msgspec.DecodeError:
            told = {}
        if told.get("kind") == "Status" and answer.status >= 400:
            return StatusError(told)
        return status.failure(answer.status, "", f"the agent at {address} answered: {text[:200]}")

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(
                ssl=self._tls, limit=0, force_close=True, socket_factory=self._socket_factory
            )
            timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS)
            self._session = aiohttp.ClientSession(
                connector=connector, timeout=timeout, auto_decompress=False
            )
        return self._session


def internal_address(node: Obj) -> str:
    """The InternalIP of a Node object, or "" if it tells none."""
    addresses = (node.get("status") or {}).get("addresses") or ()
    return next((one["address"] for one in addresses if one.get("type") == "InternalIP"), "")


def _url(address: str, path: str, query: str) -> yarl.URL:
    return yarl.URL(f"https://{address}:{AGENT_PORT}{path}?{query}", encoded=True)


def _unreachable(address: str, error: BaseException) -> Exception:
    why = str(error) or type(error).__name__
    return status.service_unavailable(f"the agent at {address} cannot be reached: {why}")
