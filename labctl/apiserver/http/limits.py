"""What a listener gives its clients: how much room, and how much time."""

from dataclasses import dataclass

_MEGABYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """Memory is bounded by these, in the worst case to about 200 MB of connections (50 KB each) and
    as many bodies as there are places in flight.
    """

    connections: int = 4_000
    connections_of_a_peer: int = 1_000
    body_bytes: int = 3 * _MEGABYTE  # as kube-apiserver
    head_bytes: int = 64 * 1024  # of a line: exec has its command in the query
    handshake_seconds: float = 10.0
    # As kube-apiserver: for that long a connection may be idle, or take over the head of a request.
    idle_seconds: float = 90.0
    body_seconds: float = 60.0  # 3 MB come at 50 KB/s
    stall_seconds: float = 30.0  # for which a client may leave a full buffer unread


USUAL = Limits()
