"""Bytes on a connection, as no client library would send them, and what came back."""

import json
import re
import socket
import ssl
import time
from contextlib import closing
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Said:
    """Everything that a server sent, and whether it closed the connection after that."""

    data: bytes
    closed: bool

    @property
    def codes(self) -> list[int]:
        """Of all the answers."""
        return [int(code) for code in re.findall(rb"HTTP/1\.[01] (\d{3}) ", self.data)]

    @property
    def status(self) -> Any:
        """The Status that came last."""
        return json.loads(self.data.rpartition(b"\r\n\r\n")[2])


def connect(port: int, tls: ssl.SSLContext | None) -> socket.socket:
    """A connection to 127.0.0.1."""
    plain = socket.create_connection(("127.0.0.1", port))
    return plain if tls is None else tls.wrap_socket(plain, server_hostname="127.0.0.1")


def say(
    port: int, data: bytes, tls: ssl.SSLContext | None, seconds: float = 5.0, end: bytes = b""
) -> Said:
    """Sends bytes, and takes what comes until `end`, until nothing more will, or for some seconds."""
    with closing(connect(port, tls)) as wire:
        return talk(wire, data, seconds, end)


def talk(wire: socket.socket, data: bytes, seconds: float = 5.0, end: bytes = b"") -> Said:
    """The same on a connection that is there."""
    told = b""
    deadline = time.monotonic() + seconds
    try:
        wire.settimeout(seconds)
        wire.sendall(data)
        while not (end and end in told):
            wire.settimeout(max(deadline - time.monotonic(), 0.001))
            piece = wire.recv(1 << 16)
            if not piece:
                return Said(told, closed=True)
            told += piece
    except TimeoutError:
        return Said(told, closed=False)
    except OSError:  # reset, or TLS was cut off
        return Said(told, closed=True)
    return Said(told, closed=False)
