"""Netlink sockets in the kernel's notification groups, for a loop's `add_reader`.

One that listens beyond its own namespace hears of all namespaces that have an id in it: a veth
pair gives one to the namespace of its other end (rtnl_fill_link_netnsid), at no cost, and the id
goes with the namespace. Neither keeps anything alive. What is said of a namespace that is being
destroyed is not heard, for its ids go first (cleanup_net).
"""

import errno
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import NamedTuple, Self

from labctl.net import event_filter, wire

NETLINK_ROUTE, NETLINK_NETFILTER = 0, 12

_SOL_NETLINK = 270
_ADD_MEMBERSHIP = 1
_LISTEN_ALL_NSID = 8  # also the type of the control message that tells the id
_SO_RCVBUFFORCE = 33
_QUEUE = 8 << 20  # bytes of events that may wait: a burst of a hundred pods makes a tenth of it
_BUFFER = 1 << 16
_NSID = struct.Struct("=i")
_CONTROL = socket.CMSG_SPACE(_NSID.size)

HERE = -1  # NETNSA_NSID_NOT_ASSIGNED: the socket's own namespace


class Heard(NamedTuple):
    """A message, and the id of the namespace where it happened."""

    frame: wire.Frame
    nsid: int


@dataclass(frozen=True, slots=True)
class Lost:
    """Events were lost (ENOBUFS): everything has to be observed."""


class Subscription:
    """A non-blocking netlink socket in notification groups; a context manager."""

    def __init__(
        self, protocol: int, groups: tuple[int, ...], *, beyond: bool = False, slim: bool = False
    ) -> None:
        """In the caller's namespace. With `slim` the kernel leaves out what no noun is made of."""
        kind = socket.SOCK_RAW | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
        self._socket = sock = socket.socket(socket.AF_NETLINK, kind, protocol)
        sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _QUEUE)
        if slim:
            event_filter.attach(sock)
        if beyond:
            sock.setsockopt(_SOL_NETLINK, _LISTEN_ALL_NSID, 1)
        sock.bind((0, 0))
        for group in groups:
            sock.setsockopt(_SOL_NETLINK, _ADD_MEMBERSHIP, group)

    def fileno(self) -> int:
        return self._socket.fileno()

    def close(self) -> None:
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def heard(self) -> Iterator[Heard | Lost]:
        """All messages that wait; `Lost` where the kernel had to drop some."""
        while True:
            try:
                data, control, _, _ = self._socket.recvmsg(_BUFFER, _CONTROL)
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                yield Lost()
            else:
                nsid = _NSID.unpack(control[0][2])[0] if control else HERE
                for frame in wire.frames(data):
                    yield Heard(frame, nsid)


class Watch(Subscription):
    """Tells that something of a kind changed, not what."""

    def changed(self) -> bool:
        """Whether there was a change since the last call; never blocks."""
        return bool(list(self.heard()))
