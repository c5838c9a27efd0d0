"""Netlink on the wire: messages, attributes, and the few that are read back.

Requests are encoded by pyroute2, which knows every message. What is read back (a dump of a
thousand links, an event for each change) is taken apart here: pyroute2's full decoding of one
link costs 0.3 ms, picking the wanted attributes 10 µs.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

NLM_F_REQUEST = 0x1
NLM_F_ACK = 0x4
NLM_F_DUMP_INTR = 0x10
NLM_F_REPLACE = 0x100
NLM_F_EXCL = 0x200
NLM_F_ACK_TLVS = 0x200
NLM_F_DUMP = 0x300
NLM_F_CREATE = 0x400

NLMSG_ERROR = 2
NLMSG_DONE = 3

NLMSG_HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence, port
_ATTRIBUTE = struct.Struct("=HH")  # length, type
_TYPE_MASK = 0x3FFF  # without NLA_F_NESTED and NLA_F_NET_BYTEORDER

_U32 = struct.Struct("=I")
_I32 = struct.Struct("=i")


class Frame(NamedTuple):
    """One netlink message as received; `body` is what follows the header."""

    kind: int
    flags: int
    sequence: int
    body: bytes


def frames(data: bytes) -> Iterator[Frame]:
    """The messages of one datagram."""
    offset = 0
    while offset + NLMSG_HEADER.size <= len(data):
        length, kind, flags, sequence, _ = NLMSG_HEADER.unpack_from(data, offset)
        if length < NLMSG_HEADER.size:
            return
        yield Frame(kind, flags, sequence, data[offset + NLMSG_HEADER.size : offset + length])
        offset += (length + 3) & ~3


def attributes(data: bytes, offset: int = 0) -> dict[int, bytes]:
    """The attributes of a message from `offset` on, by type; of repeated ones the last.

    An event of one link has fifty: the loop is written out, at half the price of a generator.
    """
    found = {}
    end = len(data)
    unpack = _ATTRIBUTE.unpack_from
    while offset + 4 <= end:
        length, kind = unpack(data, offset)
        if length < 4:
            break
        found[kind & _TYPE_MASK] = data[offset + 4 : offset + length]
        offset += (length + 3) & ~3
    return found


def attribute_list(data: bytes, offset: int = 0) -> Iterator[tuple[int, bytes]]:
    """The same in order, repeated ones too."""
    end = len(data)
    while offset + 4 <= end:
        length, kind = _ATTRIBUTE.unpack_from(data, offset)
        if length < 4:
            return
        yield kind & _TYPE_MASK, data[offset + 4 : offset + length]
        offset += (length + 3) & ~3


def first(data: bytes, offset: int, kind: int) -> bytes:
    """The first attribute of a kind, without a look at what follows it; b"" if there is none."""
    while offset + 4 <= len(data):
        length, found = _ATTRIBUTE.unpack_from(data, offset)
        if found & _TYPE_MASK == kind:
            return data[offset + 4 : offset + length]
        offset += max(4, (length + 3) & ~3)
    return b""


def attribute(kind: int, payload: bytes) -> bytes:
    """One attribute, padded to the next multiple of four."""
    return _ATTRIBUTE.pack(len(payload) + 4, kind) + payload + bytes(-len(payload) % 4)


def message(kind: int, flags: int, body: bytes) -> bytes:
    """A whole message; the socket that sends it puts the sequence number in."""
    return NLMSG_HEADER.pack(NLMSG_HEADER.size + len(body), kind, flags, 0, 0) + body


def u32(payload: bytes) -> int:
    return int(_U32.unpack(payload)[0])


def i32(payload: bytes) -> int:
    return int(_I32.unpack(payload)[0])


def text(payload: bytes) -> str:
    return payload.rstrip(b"\0").decode(errors="replace")


def mac(payload: bytes) -> str:
    return payload.hex(":")


def mac_bytes(address: str) -> bytes:
    return bytes.fromhex(address.replace(":", ""))
