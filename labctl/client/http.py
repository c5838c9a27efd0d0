"""The API over HTTP/1.1: a root-only Unix socket for the CLI, TLS with a certificate for agents.

Requests share a few kept-alive connections (`pipelines`); every watch, log and exec has one of its
own, which is aiohttp's. Nothing here retries: whoever asks knows what may be asked twice. Connections are probed by TCP keepalive,
since a watch on a cable that was cut would otherwise wait for ever in silence.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncGenerator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote, urlencode, urlsplit

import aiohttp
import msgspec

from labctl.api.objects import Obj
from labctl.client.answers import Lines, decode_answer
from labctl.client.pipelines import Connection, Pipelines
from labctl.client.transport import AGENT, unreachable
from labctl.errors import StatusError

Pairs = Mapping[str, str] | Sequence[tuple[str, str]]

CHANNEL_PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")

_FAILURES = (aiohttp.ClientError, TimeoutError, OSError)
# aiohttp raises RuntimeError when the connection closes just between two reads of a body.
_READ_FAILURES = (*_FAILURES, RuntimeError)
_REQUEST_SECONDS = 15.0
# A silent peer is given up after 6 s, well before the 45 s of Kubernetes' clients. TCP itself would
# go on, waiting twice as long before each try: a node would be back long after its cable was.
_KEEPALIVE = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 3),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 6_000),
)

_encode = msgspec.json.encode


class HttpTransport:
    """A Transport over HTTP. Sessions open with the first request, in the loop that makes it."""

    def __init__(
        self,
        url: str,
        *,
        socket_path: Path | None = None,
        tls: ssl.SSLContext | None = None,
        agent: str = AGENT,
    ) -> None:
        self.url = url.rstrip("/")
        self._address = urlsplit(self.url)
        self._agent = agent
        self._socket_path = socket_path
        self._tls = tls
        self._requests = Pipelines(self._connect)
        self._streams: aiohttp.ClientSession | None = None

    @classmethod
    def unix(cls, path: Path | str) -> Self:
        """Through a Unix socket, as the user whose uid the kernel tells the server."""
        return cls("http://localhost", socket_path=Path(path))

    @classmethod
    def tls(
        cls, url: str, ca: Path | str, cert: Path | str, key: Path | str, *, agent: str = AGENT
    ) -> Self:
        """Over TLS 1.2 or better, trusting only `ca`, as the subject of `cert`.

        What is written is put down to `agent`, as managedFields show.
        """
        context = ssl.create_default_context(cafile=str(ca))
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(str(cert), str(key))
        return cls(url, tls=context, agent=agent)

    @property
    def server(self) -> str:
        """Where this leads to, for messages."""
        return str(self._socket_path or self.url)

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] = {},
        body: Obj | list[Any] | None = None,
        content_type: str = "application/json",
        accept: str = "application/json",
    ) -> Obj:
        data = b"" if body is None else _encode(body)
        headers = {"Accept": accept, "Content-Length": len(data)}
        if body is not None:
            headers["Content-Type"] = content_type
        head = self._head(method, path, query, headers)
        try:
            status, raw = await self._requests.ask(head + data, _REQUEST_SECONDS)
        except OSError as error:
            raise unreachable(self.server, error) from error
        return decode_answer(status, raw)

    async def stream(self, path: str, query: Mapping[str, str]) -> AsyncGenerator[Obj, None]:
        lines = Lines()
        async with contextlib.aclosing(self.raw(path, query)) as chunks:
            async for chunk in chunks:
                for event in lines.feed(chunk):
                    yield event

    async def raw(self, path: str, query: Pairs = ()) -> AsyncGenerator[bytes, None]:
        """The bytes of an answer as they come (watches, logs); raises StatusError."""
        session = self._stream_session()
        try:
            async with session.get(self.url + path, params=query) as response:
                if response.status >= 400:
                    decode_answer(response.status, await response.read())
                async for chunk in response.content.iter_any():
                    yield chunk
        except _READ_FAILURES as error:
            raise unreachable(self.server, error) from error

    async def websocket(
        self, path: str, query: Pairs, protocols: Sequence[str] = CHANNEL_PROTOCOLS
    ) -> aiohttp.ClientWebSocketResponse:
        """An open WebSocket (exec, attach, port-forward); the caller closes it."""
        session = self._stream_session()
        try:
            return await session.ws_connect(
                self.url + path, params=query, protocols=tuple(protocols), max_msg_size=0
            )
        except aiohttp.WSServerHandshakeError as error:
            raise await self._refusal(path, query, error) from error
        except _FAILURES as error:
            raise unreachable(self.server, error) from error

    async def close(self) -> None:
        self._requests.close()
        streams, self._streams = self._streams, None
        if streams is not None:
            await streams.close()

    async def _refusal(
        self, path: str, query: Pairs, error: aiohttp.WSServerHandshakeError
    ) -> StatusError:
        """The same question again: aiohttp drops the body of a refused handshake."""
        try:
            async with self._stream_session().get(self.url + path, params=query) as response:
                decode_answer(response.status, await response.read())
        except StatusError as status:
            return status
        except _FAILURES:
            pass
        return unreachable(self.server, error)

    def _head(
        self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, object]
    ) -> bytes:
        target = quote(path, safe="/:@") + (f"?{urlencode(query)}" if query else "")
        lines = [f"{method} {target} HTTP/1.1", f"Host: {self._address.netloc}"]
        lines.append(f"User-Agent: {self._agent}")
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    async def _connect(self, connection: Connection) -> None:
        loop, at = asyncio.get_running_loop(), self._address
        if self._socket_path is not None:
            await loop.create_unix_connection(lambda: connection, str(self._socket_path))
            return
        transport, _ = await loop.create_connection(
            lambda: connection, at.hostname or "", at.port or 443, ssl=self._tls or True
        )
        _keep_alive(transport.get_extra_info("socket"))

    def _stream_session(self) -> aiohttp.ClientSession:
        if self._streams is None:
            self._streams = self._session()
        return self._streams

    def _session(self) -> aiohttp.ClientSession:
        connector: aiohttp.BaseConnector
        if self._socket_path is not None:
            connector = aiohttp.UnixConnector(path=str(self._socket_path), limit=0)
        else:
            connector = aiohttp.TCPConnector(
                limit=0, ssl=self._tls or True, socket_factory=_keepalive_socket
            )
        return aiohttp.ClientSession(
            connector=connector,
            headers={"User-Agent": self._agent},
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=_REQUEST_SECONDS),
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            read_bufsize=1 << 18,
        )


def _keepalive_socket(address: Any) -> socket.socket:
    family, kind, protocol, _, _ = address
    sock = socket.socket(family, kind, protocol)
    _keep_alive(sock)
    sock.setblocking(False)
    return sock


def _keep_alive(sock: socket.socket) -> None:
    for level, option, value in _KEEPALIVE:
        sock.setsockopt(level, option, value)
