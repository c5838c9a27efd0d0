"""A netlink socket in a network namespace: batches of requests, dumps, names of interfaces.

One `Netlink` is one rtnetlink socket. Requests go out many to a sendmsg and only the last asks for
an acknowledgement: the kernel works them off in order before sendmsg returns, and reports each
error by its sequence number in any case. Errors are raised as the sentence of the operation that
failed, with the kernel's own explanation (extended ACK) where it gave one.
"""

import errno
import fcntl
import os
import socket
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import NamedTuple, Self

from labctl.errors import NetError
from labctl.net import namespaces, wire

_SOL_NETLINK = 270
_NETLINK_CAP_ACK = 10
_NETLINK_EXT_ACK = 11
_NETLINK_GET_STRICT_CHK = 12
_SIOCGSKNS = 0x894C
_NLMSGERR_ATTR_MSG = 1
_RTM_GETLINK = 18
_RTM_NEWNSID, _RTM_GETNSID = 88, 90
_RTGENMSG_SIZE = 4  # one byte, padded
_NETNSA_NSID, _NETNSA_FD = 1, 3
_IFLA_IFNAME = 3
_IFLA_EXT_MASK = 29
_RTEXT_FILTER_SKIP_STATS = struct.pack("=I", 1 << 3)
_IFINFOMSG = struct.Struct("=BxHiII")  # family, type, index, flags, change

_BUFFER = 1 << 18
_BATCH = 64  # messages of one sendmsg: a page or three, far below the socket's send buffer
_DUMP_TRIES = 5


class Request(NamedTuple):
    """An encoded message, the sentence for its error, and the errors that mean success."""

    message: bytes
    describe: Callable[[], str]
    forgiven: frozenset[int] = frozenset()


class Netlink:
    """A rtnetlink socket; use as a context manager, or close it.

    While it is open it keeps its namespace alive.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._sequence = 0
        self._indices: dict[str, int] = {}
        sock.setsockopt(_SOL_NETLINK, _NETLINK_EXT_ACK, 1)
        sock.setsockopt(_SOL_NETLINK, _NETLINK_CAP_ACK, 1)
        sock.setsockopt(_SOL_NETLINK, _NETLINK_GET_STRICT_CHK, 1)
        sock.bind((0, 0))

    @classmethod
    def here(cls) -> Self:
        """A socket in the namespace in which the caller is."""
        return cls(_route_socket())

    @classmethod
    def at(cls, place: namespaces.Place) -> Self:
        """A socket in the namespace `place` (a path or a descriptor); the caller stays out."""
        with namespaces.inside(place):
            return cls(_route_socket())

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

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Runs its body in the socket's namespace (for /proc/sys/net, nft, other sockets)."""
        descriptor = fcntl.ioctl(self._socket.fileno(), _SIOCGSKNS)
        try:
            with namespaces.inside(descriptor):
                yield
        finally:
            os.close(descriptor)

    def index(self, name: str) -> int:
        """The interface's index, looked up once; raises NetError (ENODEV) if there is none."""
        found = self._indices.get(name)
        if found is None:
            found = self._indices[name] = self._look_up(name)
        return found

    def forget(self) -> None:
        """Forgets the indices that were looked up: an interface may have been made anew."""
        self._indices.clear()

    def _look_up(self, name: str) -> int:
        frame = self.query([link_query(name)])[0]
        if frame.kind == wire.NLMSG_ERROR:
            raise NetError(f"ip link show dev {name}: no such interface", errno.ENODEV)
        return int(_IFINFOMSG.unpack_from(frame.body)[2])

    def nsid(self, place: int) -> int:
        """The id, in this namespace, of another one (an open descriptor); given if it has none."""
        body = bytes(_RTGENMSG_SIZE) + wire.attribute(_NETNSA_FD, struct.pack("=I", place))
        asked = wire.message(_RTM_GETNSID, wire.NLM_F_REQUEST, body)
        for _ in range(2):
            frame = self.query([asked])[0]
            told = wire.attributes(frame.body, _RTGENMSG_SIZE)
            if frame.kind == wire.NLMSG_ERROR or _NETNSA_NSID not in told:
                break
            found = wire.i32(told[_NETNSA_NSID])
            if found >= 0:
                return found
            given = body + wire.attribute(_NETNSA_NSID, struct.pack("=i", -1))
            new = wire.message(_RTM_NEWNSID, wire.NLM_F_REQUEST, given)
            self.send([Request(new, lambda: "ip netns set … auto", frozenset({errno.EEXIST}))])
        raise NetError("the kernel gives no id to a network namespace")

    def query(self, messages: Sequence[bytes]) -> list[wire.Frame]:
        """Sends requests of which each has one answer (an error is one), and returns the answers."""
        data = bytearray()
        for message in messages:
            data += message
            self._number(data, len(data) - len(message))
        self._socket.send(data)
        answers: list[wire.Frame] = []
        while len(answers) < len(messages):
            answers += wire.frames(self._socket.recv(_BUFFER))
        return answers

    def _number(self, data: bytearray, offset: int) -> int:
        self._sequence = (self._sequence + 1) & 0xFFFF_FFFF
        struct.pack_into("=I", data, offset + 8, self._sequence)
        return self._sequence

    def send(self, requests: Sequence[Request]) -> None:
        """Carries out `requests` in order. Raises NetError for the first that failed.

        As the kernel goes on with the rest of a batch after an error, so does this.
        """
        failures = [
            failure
            for start in range(0, len(requests), _BATCH)
            for failure in self._send_batch(requests[start : start + _BATCH])
        ]
        if failures:
            raise failures[0]

    def _send_batch(self, requests: Sequence[Request]) -> list[NetError]:
        data = bytearray()
        numbered: dict[int, Request] = {}
        last = 0
        for request in requests:
            last = len(data)
            data += request.message
            data += bytes(-len(data) % 4)
            numbered[self._number(data, last)] = request
        struct.pack_into("=H", data, last + 6, _flags(data, last) | wire.NLM_F_ACK)
        self._socket.send(data)
        return list(self._failures(numbered))

    def _failures(self, numbered: dict[int, Request]) -> Iterator[NetError]:
        final = self._sequence
        while True:
            for frame in wire.frames(self._socket.recv(_BUFFER)):
                if frame.kind != wire.NLMSG_ERROR or frame.sequence not in numbered:
                    continue
                request = numbered[frame.sequence]
                code = -wire.i32(frame.body[:4])
                if code and code not in request.forgiven:
                    yield _failure(request, code, frame)
                if frame.sequence == final:
                    return

    def dump(self, kind: int, body: bytes) -> list[bytes]:
        """The bodies of all messages that answer a dump request of type `kind`.

        A dump during which something changed is flagged by the kernel and asked for again.
        """
        for _ in range(_DUMP_TRIES):
            bodies, whole = self._dump_once(kind, body)
            if whole:
                break
        return bodies

    def _dump_once(self, kind: int, body: bytes) -> tuple[list[bytes], bool]:
        request = bytearray(wire.message(kind, wire.NLM_F_REQUEST | wire.NLM_F_DUMP, body))
        sequence = self._number(request, 0)
        self._socket.send(request)
        bodies: list[bytes] = []
        whole = True
        while True:
            for frame in wire.frames(self._socket.recv(_BUFFER)):
                if frame.sequence != sequence:
                    continue
                whole = whole and not frame.flags & wire.NLM_F_DUMP_INTR
                if frame.kind == wire.NLMSG_DONE:
                    return bodies, whole
                if frame.kind == wire.NLMSG_ERROR:
                    code = -wire.i32(frame.body[:4])
                    raise NetError(f"netlink dump {kind}: {os.strerror(code)}", code)
                bodies.append(frame.body)


def link_query(name: str) -> bytes:
    """The request for all about one link, but for its statistics."""
    body = (
        _IFINFOMSG.pack(0, 0, 0, 0, 0)
        + wire.attribute(_IFLA_EXT_MASK, _RTEXT_FILTER_SKIP_STATS)
        + wire.attribute(_IFLA_IFNAME, name.encode() + b"\0")
    )
    return wire.message(_RTM_GETLINK, wire.NLM_F_REQUEST, body)


def index_query(index: int) -> bytes:
    """The same for the link with that index."""
    body = _IFINFOMSG.pack(0, 0, index, 0, 0)
    return wire.message(_RTM_GETLINK, wire.NLM_F_REQUEST, body)


def _route_socket() -> socket.socket:
    return socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 0)


def _flags(data: bytearray, offset: int) -> int:
    return int(struct.unpack_from("=H", data, offset + 6)[0])


def _failure(request: Request, code: int, frame: wire.Frame) -> NetError:
    said = ""
    if frame.flags & wire.NLM_F_ACK_TLVS:
        # with NETLINK_CAP_ACK the error and the header of the request come before the attributes
        told = wire.attributes(frame.body, 4 + wire.NLMSG_HEADER.size)
        said = wire.text(told.get(_NLMSGERR_ATTR_MSG, b""))
    sentence = f"{request.describe()}: {os.strerror(code)}"
    return NetError(f"{sentence} ({said})" if said else sentence, code)
