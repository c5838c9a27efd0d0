"""Whether a datagram gets from one namespace to another, and its answer back."""

import socket
from pathlib import Path

from labctl.net.namespaces import socket_in


def answered(source: Path, target: Path, address: str, seconds: float = 5) -> bool:
    """Sends a UDP datagram from `source` to `address`, which is to be in `target`, and back."""
    with (
        socket_in(target, socket.AF_INET, socket.SOCK_DGRAM) as receiver,
        socket_in(source, socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        receiver.settimeout(seconds)
        sender.settimeout(seconds)
        receiver.bind((address, 0))
        try:
            sender.sendto(b"?", receiver.getsockname())
            question, peer = receiver.recvfrom(64)
            receiver.sendto(question, peer)
            return sender.recvfrom(64) == (b"?", receiver.getsockname())
        except OSError:  # no route, no carrier, or nothing came
            return False
