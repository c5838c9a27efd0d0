"""How long a listening socket keeps what comes to it: in its queue, and when the peer is silent."""

import socket

BACKLOG = 1024

# Accepted sockets inherit these: a peer whose cable was cut is given up after 6 s.
_LIVENESS = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 3),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 6_000),
)


def watch_peers(sock: socket.socket) -> None:
    """Before connections come: those that wait to be accepted have the options already."""
    for level, option, value in _LIVENESS:
        sock.setsockopt(level, option, value)
