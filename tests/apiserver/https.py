"""A server on real sockets, with a lab's certificates, and clients that show theirs."""

import socket
import ssl
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from labctl.apiserver.http.limits import USUAL, Limits
from labctl.apiserver.http.listener import listen
from labctl.apiserver.kubelet.agents import Agents
from labctl.apiserver.server import ApiServer
from labctl.apiserver.tls import server_context
from labctl.client.http import HttpTransport
from labctl.client.transport import AGENT
from labctl.pki import ensure_authority, ensure_certificate, ensure_signing_key
from tests.apiserver.serving import serving


def make_pki(directory: Path) -> Path:
    """The certificates of a lab with one node."""
    pki = directory / "pki"
    ensure_authority(pki)
    ensure_signing_key(pki)
    ensure_certificate(pki, "apiserver", "kube-apiserver", ips=("127.0.0.1",))
    ensure_certificate(pki, "admin", "kubernetes-admin", ("system:masters",))
    ensure_certificate(
        pki, "apiserver-kubelet-client", "kube-apiserver-kubelet-client", ("system:masters",)
    )
    ensure_certificate(
        pki, "node-node1", "system:node:node1", ("system:nodes",), ips=("127.0.0.1",)
    )
    return pki


def speak_old_tls(context: ssl.SSLContext) -> None:
    """Makes a client offer TLS 1.0 and 1.1 alone; by itself it would not even try."""
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1


def loopback() -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", 0))
    return sock


@dataclass(frozen=True)
class Site:
    """A listening server: where it is, and how to come as somebody."""

    server: ApiServer
    pki: Path
    port: int
    unix: Path

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def transport(self, user: str = "admin", agent: str = AGENT) -> HttpTransport:
        cert, key = self.pki / f"{user}.crt", self.pki / f"{user}.key"
        return HttpTransport.tls(self.url, self.pki / "ca.crt", cert, key, agent=agent)

    def transport_of_root(self) -> HttpTransport:
        return HttpTransport.unix(self.unix)

    def context(self, user: str | None = "admin") -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.pki / "ca.crt"))
        if user is not None:
            context.load_cert_chain(self.pki / f"{user}.crt", self.pki / f"{user}.key")
        return context

    @asynccontextmanager
    async def session(self, user: str | None = "admin") -> AsyncIterator[aiohttp.ClientSession]:
        """A bare HTTP client, for what no proper client would send."""
        connector = aiohttp.TCPConnector(ssl=self.context(user))
        async with aiohttp.ClientSession(self.url, connector=connector) as session:
            yield session


@asynccontextmanager
async def listening(
    directory: Path, agents: Agents | None = None, limits: Limits = USUAL
) -> AsyncIterator[Site]:
    """A server on TLS over loopback and on a Unix socket."""
    pki = make_pki(directory)
    async with serving(directory, pki) as server:
        tcp, path = loopback(), directory / "api.sock"
        local = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        local.bind(str(path))
        port: int = tcp.getsockname()[1]
        listeners = [
            await listen(server, tcp, server_context(pki), agents, limits),
            await listen(server, local, agents=agents, limits=limits),
        ]
        try:
            yield Site(server, pki, port, path)
        finally:
            for listener in listeners:
                await listener.close()
