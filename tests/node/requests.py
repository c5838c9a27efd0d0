"""A question to a stand-in, from anywhere: who answers tells who it is, and whom it saw."""

import json
import socket
from typing import Any

from labctl.net.namespaces import socket_in

_SECONDS = 3.0


def ask(netns: str, address: str, port: int) -> dict[str, Any]:
    """What the stand-in behind an address says; nothing when nobody answers."""
    with socket_in(netns, socket.AF_INET, socket.SOCK_STREAM) as client:
        client.settimeout(_SECONDS)
        try:
            client.connect((address, port))
            client.sendall(b"GET / HTTP/1.0\r\n\r\n")
            answer = b"".join(iter(lambda: client.recv(65536), b""))
        except OSError:
            return {}
    found: dict[str, Any] = json.loads(answer.partition(b"\r\n\r\n")[2])
    return found
