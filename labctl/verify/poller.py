"""An epoll loop of callbacks: everything that a pass waits for, in one thread."""

import select
import socket
from collections.abc import Callable
from typing import Self

_READABLE = select.EPOLLIN
_ANY_CHANGE = select.EPOLLIN | select.EPOLLOUT | select.EPOLLET
_BATCH = 256  # events taken at once


class Poller:
    """Calls back for sockets that have something to say. A context manager."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._callbacks: dict[int, Callable[[], None]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._epoll.close()

    def add(self, sock: socket.socket, callback: Callable[[], None]) -> None:
        """From now on `callback` is called while the socket is readable, or has failed."""
        self._epoll.register(sock.fileno(), _READABLE)
        self._callbacks[sock.fileno()] = callback

    def add_stream(self, sock: socket.socket, callback: Callable[[], None]) -> None:
        """As `add`, but called once for each change: connected, readable, writable, failed."""
        self._epoll.register(sock.fileno(), _ANY_CHANGE)
        self._callbacks[sock.fileno()] = callback

    def remove(self, sock: socket.socket) -> None:
        """To be called before the socket is closed; of one that was never added: nothing."""
        if self._callbacks.pop(sock.fileno(), None):
            self._epoll.unregister(sock.fileno())

    def turn(self, timeout: float = 0) -> bool:
        """One round: waits up to `timeout` seconds; whether anything was ready."""
        events = self._epoll.poll(timeout, _BATCH)
        for descriptor, _ in events:
            callback = self._callbacks.get(descriptor)  # an earlier one may have removed it
            if callback:
                callback()
        return bool(events)
