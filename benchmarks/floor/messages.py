"""rtnetlink messages packed by hand (netlink(7), rtnetlink(7), veth(4)): only what a pod needs."""

import os
import socket
import struct
from collections.abc import Iterator

_HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence, port
_LINK = struct.Struct("=BxHiII")  # family, type, index, flags, change
_ADDRESS = struct.Struct("=BBBBI")  # family, prefix length, flags, scope, index
_ROUTE = struct.Struct(
    "=BBBBBBBBI"
)  # family, two lengths, tos, table, protocol, scope, type, flags

_NEWLINK, _GETLINK, _SETLINK, _NEWADDR, _NEWROUTE = 16, 18, 19, 20, 24  # RTM_…
_REQUEST, _ACK, _DUMP, _NEW = 0x1, 0x4, 0x300, 0x600  # NLM_F_…; create, exclusively
_ERROR, _DONE = 2, 3  # NLMSG_…
_UP = 1  # IFF_UP
_MAIN_TABLE, _BY_BOOT, _UNICAST = 254, 3, 1  # RT_TABLE_MAIN, RTPROT_BOOT, RTN_UNICAST
_BUFFER = 1 << 18


def _attribute(kind: int, payload: bytes) -> bytes:
    return struct.pack("=HH", len(payload) + 4, kind) + payload + bytes(-len(payload) % 4)


def _number(kind: int, number: int) -> bytes:
    return _attribute(kind, struct.pack("=I", number))


def _name(name: str) -> bytes:
    return _attribute(3, name.encode() + b"\0")  # IFLA_IFNAME


def _message(kind: int, flags: int, body: bytes) -> bytes:
    return _HEADER.pack(_HEADER.size + len(body), kind, flags | _REQUEST, 0, 0) + body


def bridge(name: str, index: int) -> bytes:
    """A bridge that is up."""
    body = _LINK.pack(0, 0, index, _UP, _UP) + _name(name)
    return _message(_NEWLINK, _NEW, body + _attribute(18, _attribute(1, b"bridge\0")))


def pair(port: str, index: int, master: int, pid: int, peer_index: int) -> bytes:
    """A veth pair: `port`, up in a bridge, here; eth0, down, in the namespace of a process.

    A peer that is to be up is refused with ENOTCONN.
    """
    peer = _LINK.pack(0, 0, peer_index, 0, 0) + _name("eth0") + _number(19, pid)  # IFLA_NET_NS_PID
    about = _attribute(1, b"veth\0") + _attribute(2, _attribute(1, peer))  # IFLA_INFO_KIND, …_DATA
    body = _LINK.pack(0, 0, index, _UP, _UP) + _name(port) + _number(10, master)  # IFLA_MASTER
    return _message(_NEWLINK, _NEW, body + _attribute(18, about))  # IFLA_LINKINFO


def without_ipv6(index: int) -> bytes:
    """IPv6 gives a link no address of its own (IN6_ADDR_GEN_MODE_NONE), and so sends nothing."""
    mode = _attribute(26, _attribute(socket.AF_INET6, _attribute(8, b"\1")))  # IFLA_AF_SPEC
    return _message(_SETLINK, 0, _LINK.pack(0, 0, index, 0, 0) + mode)


def up(index: int) -> bytes:
    return _message(_SETLINK, 0, _LINK.pack(0, 0, index, _UP, _UP))


def address(index: int, text: str, length: int) -> bytes:
    packed = socket.inet_aton(text)
    body = _ADDRESS.pack(socket.AF_INET, length, 0, 0, index)
    body += _attribute(1, packed) + _attribute(2, packed)  # IFA_ADDRESS, IFA_LOCAL
    return _message(_NEWADDR, _NEW, body)


def default_route(index: int, gateway: str) -> bytes:
    body = _ROUTE.pack(socket.AF_INET, 0, 0, 0, _MAIN_TABLE, _BY_BOOT, 0, _UNICAST, 0)
    body += _attribute(5, socket.inet_aton(gateway)) + _number(4, index)  # RTA_GATEWAY, RTA_OIF
    return _message(_NEWROUTE, _NEW, body)


def send(channel: socket.socket, *messages: bytes) -> None:
    """All in one datagram, of which the last is acknowledged; OSError for the first that failed."""
    batch = bytearray(b"".join(messages))
    last = len(batch) - len(messages[-1])
    flags = struct.unpack_from("=H", batch, last + 6)[0]
    struct.pack_into("=HI", batch, last + 6, flags | _ACK, 1)
    channel.send(batch)
    final = False
    while not final:  # an error is answered in any case
        for _, sequence, body in _answers(channel):
            code = -struct.unpack_from("=i", body)[0]
            if code:
                raise OSError(code, f"rtnetlink: {os.strerror(code)}")
            final = sequence == 1


def has_ports(channel: socket.socket, first: int) -> bool:
    """Whether there is a link with that index or a higher one in the socket's namespace."""
    channel.send(_message(_GETLINK, _DUMP, _LINK.pack(0, 0, 0, 0, 0)))
    found = False
    while True:
        for kind, _, body in _answers(channel):
            if kind in (_DONE, _ERROR):
                return found
            found = found or _LINK.unpack_from(body)[2] >= first


def _answers(channel: socket.socket) -> Iterator[tuple[int, int, bytes]]:
    """Type, sequence number and body of each message of the next datagram."""
    data, offset = channel.recv(_BUFFER), 0
    while offset < len(data):
        length, kind, _, sequence, _ = _HEADER.unpack_from(data, offset)
        yield kind, sequence, data[offset + _HEADER.size : offset + length]
        offset += (length + 3) & ~3
