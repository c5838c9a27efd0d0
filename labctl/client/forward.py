"""Local ports that lead to a pod's: each connection is a WebSocket of its own.

What goes over it is told in labctl.node.forwards. A local UDP client is a connection, too, from its
first datagram until it has been silent for a while.
"""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp

from labctl.client.http import HttpTransport
from labctl.client.joining import until_one_ends
from labctl.errors import LabError, StatusError
from labctl.names import FORWARD_PROTOCOL

_CHUNK = 1 << 16
_BACKLOG = 128
_WAITING_MAX = 256  # datagrams of one client that are not sent yet; more are dropped
_SILENCE_SECONDS = 60.0
_KINDS = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}

Say = Callable[[str], None]
Far = aiohttp.ClientWebSocketResponse


@dataclass(frozen=True)
class Way:
    """From a local port (0: any that is free) to a port of a pod."""

    local: int
    remote: int
    protocol: str = "tcp"

    @property
    def end(self) -> str:
        """The far end as kubectl writes it; UDP, which it does not know, is marked."""
        return f"{self.remote}/udp" if self.protocol == "udp" else str(self.remote)


def listen(address: str, way: Way) -> socket.socket:
    """The local end, bound; raises LabError."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    local = socket.socket(family, _KINDS[way.protocol] | socket.SOCK_NONBLOCK)
    try:
        if way.protocol == "tcp":
            local.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        local.bind((address, way.local))
        if way.protocol == "tcp":
            local.listen(_BACKLOG)
    except OSError as error:
        local.close()
        why = os.strerror(error.errno).lower() if error.errno else str(error)
        raise LabError(f"cannot listen on {address}:{way.local}: {why}") from error
    return local


class Forwarder:
    """Forwards to one pod. `complain` is told of each connection that failed, and why."""

    def __init__(self, transport: HttpTransport, namespace: str, pod: str, complain: Say) -> None:
        self._transport = transport
        self._path = f"/api/v1/namespaces/{namespace}/pods/{pod}/portforward"
        self._complain = complain

    async def serve(self, local: socket.socket, way: Way) -> None:
        """Forwards what comes to `local`, until cancelled."""
        async with asyncio.TaskGroup() as group:
            if way.protocol == "udp":
                await self._serve_datagrams(local, way, group)
            else:
                await self._serve_connections(local, way, group)

    async def _serve_connections(
        self, local: socket.socket, way: Way, group: asyncio.TaskGroup
    ) -> None:
        loop = asyncio.get_running_loop()
        while True:
            connection, _ = await loop.sock_accept(local)
            group.create_task(self._carry(connection, way))

    async def _carry(self, connection: socket.socket, way: Way) -> None:
        with connection:
            async with self._open(way) as far:
                if far is not None:
                    await until_one_ends(
                        _send(connection, far), self._receive(far, connection, way)
                    )

    async def _receive(self, far: Far, connection: socket.socket, way: Way) -> None:
        loop = asyncio.get_running_loop()
        async for message in far:
            if message.type is aiohttp.WSMsgType.TEXT:
                self._failed(way, message.data)
            elif message.data:
                await loop.sock_sendall(connection, message.data)
            else:
                connection.shutdown(socket.SHUT_WR)

    async def _serve_datagrams(
        self, local: socket.socket, way: Way, group: asyncio.TaskGroup
    ) -> None:
        """Each client has a queue; whoever has none yet is new."""
        loop = asyncio.get_running_loop()
        clients: dict[Any, asyncio.Queue[bytes]] = {}
        while True:
            data, client = await loop.sock_recvfrom(local, _CHUNK)
            if client not in clients:
                clients[client] = asyncio.Queue(_WAITING_MAX)
                group.create_task(self._relay(local, client, clients, way))
            with contextlib.suppress(asyncio.QueueFull):
                clients[client].put_nowait(data)

    async def _relay(
        self,
        local: socket.socket,
        client: Any,
        clients: dict[Any, asyncio.Queue[bytes]],
        way: Way,
    ) -> None:
        try:
            async with self._open(way) as far:
                if far is not None:
                    answers = self._answer(far, local, client, way)
                    await until_one_ends(_send_datagrams(clients[client], far), answers)
        finally:
            del clients[client]

    async def _answer(self, far: Far, local: socket.socket, client: Any, way: Way) -> None:
        loop = asyncio.get_running_loop()
        async for message in far:
            if message.type is aiohttp.WSMsgType.TEXT:
                self._failed(way, message.data)
            elif message.type is aiohttp.WSMsgType.BINARY:
                await loop.sock_sendto(local, message.data, client)

    @contextlib.asynccontextmanager
    async def _open(self, way: Way) -> AsyncIterator[Far | None]:
        """The far end, or None after a complaint."""
        query = {"port": str(way.remote), "protocol": way.protocol}
        try:
            far = await self._transport.websocket(self._path, query, (FORWARD_PROTOCOL,))
        except StatusError as error:
            self._failed(way, error.message)
            yield None
            return
        try:
            yield far
        finally:
            await far.close()

    def _failed(self, way: Way, why: str) -> None:
        self._complain(f"forwarding to port {way.end}: {why}")


async def _send(connection: socket.socket, far: Far) -> None:
    """Goes on after the end: it is for the pod, or the reader, to end the connection."""
    loop = asyncio.get_running_loop()
    data = b"-"
    while data:
        data = await loop.sock_recv(connection, _CHUNK)
        await far.send_bytes(data)
    await asyncio.Event().wait()


async def _send_datagrams(waiting: asyncio.Queue[bytes], far: Far) -> None:
    """Until the client has been silent for long."""
    with contextlib.suppress(TimeoutError):
        while True:
            async with asyncio.timeout(_SILENCE_SECONDS):
                data = await waiting.get()
            await far.send_bytes(data)
