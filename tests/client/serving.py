"""A real API server on a real store, and the ways of reaching it that clients have."""

import contextlib
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from labctl import pki
from labctl.api.objects import Obj
from labctl.apiserver.http.listener import Listener, listen
from labctl.apiserver.server import ApiServer
from labctl.apiserver.tls import server_context
from labctl.client.client import Client
from labctl.client.http import HttpTransport
from labctl.store.sqlite import SqliteStore


@dataclass
class Serving:
    """One life of a server; its store and socket path outlive it in `directory`."""

    directory: Path
    server: ApiServer
    store: SqliteStore

    @property
    def client(self) -> Client:
        """In the server's own process, as one who may do everything."""
        return Client(self.server.local_transport("test", ("system:masters",)))

    @property
    def socket_path(self) -> Path:
        return self.directory / "api.sock"

    async def listen_unix(self) -> Listener:
        self.socket_path.unlink(missing_ok=True)
        sock = socket.socket(socket.AF_UNIX)
        sock.bind(str(self.socket_path))
        return await listen(self.server, sock)

    async def listen_tls(self) -> tuple[Listener, str]:
        """The listener and its URL; certificates are made in `directory`/pki."""
        directory = self.directory / "pki"
        pki.ensure_authority(directory)
        pki.ensure_certificate(directory, "apiserver", "apiserver", ips=("127.0.0.1",))
        pki.ensure_certificate(directory, "admin", "admin", ("system:masters",))
        pki.ensure_certificate(directory, "nobody", "nobody")
        sock = socket.socket()
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
        listener = await listen(self.server, sock, server_context(directory))
        return listener, f"https://127.0.0.1:{port}"

    def tls_transport(self, url: str, user: str = "admin") -> HttpTransport:
        directory = self.directory / "pki"
        return HttpTransport.tls(
            url, directory / "ca.crt", directory / f"{user}.crt", directory / f"{user}.key"
        )


@contextlib.asynccontextmanager
async def serving(directory: Path) -> AsyncIterator[Serving]:
    store = SqliteStore.open(directory / "store.db")
    server = ApiServer(store)
    await server.start()
    try:
        yield Serving(directory, server, store)
    finally:
        await server.stop()
        await store.close()


def configmap(name: str, **data: str) -> Obj:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "default", "labels": {"app": name}},
        "data": data,
    }
