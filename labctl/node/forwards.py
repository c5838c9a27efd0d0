"""Connections from outside to what listens on a pod's own localhost: port-forward's far end.

A WebSocket is one connection. Over TCP a binary message is bytes of it, and an empty one says that
its sender has ended; over UDP a message is a datagram. A text message, from here only, is what went
wrong; with TCP it is the last.

A socket in a pod's namespace keeps that alive: whoever stops a sandbox closes its connections first.
"""

import asyncio
import contextlib
import os
import socket
import struct
from collections import defaultdict
from dataclasses import dataclass

import aiohttp
from aiohttp import web

from labctl.api import status
from labctl.client.joining import until_one_ends
from labctl.cri.messages import Sandbox
from labctl.errors import NetError
from labctl.net.namespaces import socket_in

_CHUNK = 1 << 16
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: gone at once, nothing of it is kept
_ADDRESSES = ((socket.AF_INET, "127.0.0.1", "4"), (socket.AF_INET6, "::1", "6"))


@dataclass(frozen=True, slots=True)
class Port:
    number: int
    protocol: str = "tcp"

    @classmethod
    def of(cls, number: str, protocol: str) -> "Port":
        """From the words of a URL; raises 400."""
        if not (number.isascii() and number.isdigit() and len(number) <= 5):
            raise status.bad_request(f"unable to parse {number[:20]!r} as a port")
        if not 0 < int(number) < 65536 or protocol not in {"tcp", "udp"}:
            raise status.bad_request(f"port {number}/{protocol[:20]} cannot be forwarded")
        return cls(int(number), protocol)


class Forwards:
    """The open connections, by sandbox."""

    def __init__(self) -> None:
        self._works: defaultdict[str, set[asyncio.Task[str]]] = defaultdict(set)
        self._closed: set[str] = set()

    async def serve(self, client: web.WebSocketResponse, sandbox: Sandbox, port: Port) -> None:
        """One connection, until both of its directions have ended, or an end is gone."""
        if sandbox.id in self._closed:
            await client.send_str("the pod is being stopped")
            return
        works = self._works[sandbox.id]
        work = asyncio.create_task(_carry(client, sandbox, port))
        works.add(work)
        try:
            await asyncio.wait((work,))
        finally:
            work.cancel()
            works.discard(work)
        problem = "the pod was stopped" if work.cancelled() else work.result()
        if problem:
            with contextlib.suppress(ConnectionError):
                await client.send_str(problem)

    async def close(self, sandbox_id: str) -> None:
        """Ends all connections into a sandbox, and refuses new ones until it is forgotten."""
        self._closed.add(sandbox_id)
        works = self._works.pop(sandbox_id, set())
        for work in works:
            work.cancel()
        await asyncio.gather(*works, return_exceptions=True)

    def forget(self, sandbox_id: str) -> None:
        """The sandbox is gone."""
        self._closed.discard(sandbox_id)


async def _carry(client: web.WebSocketResponse, sandbox: Sandbox, port: Port) -> str:
    """Returns what went wrong, or nothing."""
    try:
        if port.protocol == "udp":
            connection = await _connect(sandbox, port, socket.SOCK_DGRAM)
        else:
            connection = await _connect(sandbox, port, socket.SOCK_STREAM)
    except OSError as error:
        return str(error)
    with connection:
        try:
            exchange = _exchange_datagrams if port.protocol == "udp" else _exchange
            await exchange(client, connection)
        except OSError as error:
            return f"{port.protocol} 127.0.0.1:{port.number}: {_reason(error)}"
        except BaseException:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            raise
    return ""


async def _connect(sandbox: Sandbox, port: Port, kind: socket.SocketKind) -> socket.socket:
    """To localhost inside the sandbox, IPv4 first; raises OSError with what each of them said."""
    problems = []
    for family, address, version in _ADDRESSES:
        try:
            return await _dial(sandbox, family, kind, (address, port.number))
        except (OSError, NetError) as error:
            where = f"[{address}]" if version == "6" else address
            dialled = f"dial {port.protocol}{version} {where}:{port.number}"
            problems.append(f"IPv{version}: {dialled}: connect: {_reason(error)}")
    place = f'failed to connect to localhost:{port.number} inside namespace "{sandbox.config.uid}"'
    raise OSError(f"{place}, {' '.join(problems)}")


async def _dial(
    sandbox: Sandbox,
    family: socket.AddressFamily,
    kind: socket.SocketKind,
    address: tuple[str, int],
) -> socket.socket:
    connection = socket_in(sandbox.netns, family, kind)
    try:
        connection.setblocking(False)
        await asyncio.get_running_loop().sock_connect(connection, address)
    except BaseException:
        connection.close()
        raise
    return connection


async def _exchange(client: web.WebSocketResponse, connection: socket.socket) -> None:
    """Bytes both ways, until both have ended or the client is gone. Raises OSError."""
    client_ended = asyncio.Event()
    await until_one_ends(
        _send(client, connection, client_ended), _receive(connection, client, client_ended)
    )


async def _send(
    client: web.WebSocketResponse, connection: socket.socket, ended: asyncio.Event
) -> None:
    """Goes on listening after the client's end, so that its hanging up is noticed."""
    loop = asyncio.get_running_loop()
    async for message in client:
        if message.type is not aiohttp.WSMsgType.BINARY or ended.is_set():
            continue
        if message.data:
            await loop.sock_sendall(connection, message.data)
        else:
            ended.set()
            connection.shutdown(socket.SHUT_WR)


async def _receive(
    connection: socket.socket, client: web.WebSocketResponse, client_ended: asyncio.Event
) -> None:
    loop = asyncio.get_running_loop()
    data = b"-"
    while data:
        data = await loop.sock_recv(connection, _CHUNK)
        await client.send_bytes(data)
    await client_ended.wait()


async def _exchange_datagrams(client: web.WebSocketResponse, connection: socket.socket) -> None:
    """Datagrams both ways, until the client is gone."""
    await until_one_ends(
        _send_datagrams(client, connection), _receive_datagrams(connection, client)
    )


async def _send_datagrams(client: web.WebSocketResponse, connection: socket.socket) -> None:
    async for message in client:
        if message.type is aiohttp.WSMsgType.BINARY:
            try:
                connection.send(message.data)
            except ConnectionRefusedError as error:  # of the one before: this one was not sent
                await client.send_str(_reason(error))
                with contextlib.suppress(OSError):
                    connection.send(message.data)
            except OSError:  # too long, or no room: datagrams get lost
                continue


async def _receive_datagrams(connection: socket.socket, client: web.WebSocketResponse) -> None:
    """Nobody listening is told, and is no end: somebody may, for the next datagram."""
    loop = asyncio.get_running_loop()
    while True:
        try:
            data = await loop.sock_recv(connection, _CHUNK)
        except ConnectionRefusedError as error:
            await client.send_str(_reason(error))
        else:
            await client.send_bytes(data)


def _reason(error: OSError | NetError) -> str:
    """The kernel's words: asyncio puts its own in their place."""
    if isinstance(error, NetError):
        return error.message.lower()
    return os.strerror(error.errno).lower() if error.errno else str(error)
