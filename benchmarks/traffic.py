"""TCP between two namespaces: how much goes through, and how many requests are answered.

Both ends are sockets made here, in the namespaces; the receiving one is served by a child, on the
other core.
"""

import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.cores import pinned
from labctl.net.namespaces import socket_in

_CHUNK = 1 << 20
_PORT = 5201
_SECONDS = 10.0  # nothing here waits longer


@dataclass(frozen=True)
class Ends:
    """Two namespaces, and the address of the server's."""

    client: Path
    server: Path
    address: str


def throughput(ends: Ends, seconds: float) -> float:
    """Gbit/s from client to server, counted until the last byte has arrived."""
    sent, data = 0, bytes(_CHUNK)
    with _served(ends, _swallow) as sock:
        began = time.perf_counter()
        while time.perf_counter() - began < seconds:
            sock.sendall(data)
            sent += _CHUNK
        sock.shutdown(socket.SHUT_WR)
        sock.recv(1)  # the server has seen the end
        return sent * 8e-9 / (time.perf_counter() - began)


def request_rate(ends: Ends, seconds: float) -> float:
    """Requests per second of which each waits for its answer: one byte there, one byte back."""
    answered = 0
    with _served(ends, _echo) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        began = time.perf_counter()
        while time.perf_counter() - began < seconds:
            for _ in range(100):
                sock.send(b"?")
                sock.recv(1)
            answered += 100
        return answered / (time.perf_counter() - began)


def _swallow(sock: socket.socket) -> None:
    buffer = bytearray(_CHUNK)
    while sock.recv_into(buffer):
        pass


def _echo(sock: socket.socket) -> None:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    while data := sock.recv(1):
        sock.send(data)


@contextmanager
def _served(ends: Ends, serve: Callable[[socket.socket], None]) -> Iterator[socket.socket]:
    """The client's end of a connection whose other end a child serves."""
    client, server = _connected(ends)
    with pinned(1):
        child = os.fork()
    if child == 0:
        client.close()
        try:
            serve(server)
        finally:
            os._exit(0)
    server.close()
    try:
        with client, pinned(0):
            yield client
    finally:
        os.waitpid(child, 0)


def _connected(ends: Ends) -> tuple[socket.socket, socket.socket]:
    with socket_in(ends.server, socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((ends.address, _PORT))
        listener.listen()
        client = socket_in(ends.client, socket.AF_INET, socket.SOCK_STREAM)
        client.settimeout(_SECONDS)
        client.connect((ends.address, _PORT))
        client.setblocking(True)
        return client, listener.accept()[0]
