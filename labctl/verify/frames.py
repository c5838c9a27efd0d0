"""Reading captured frames: which probe, which message, and what the IPv4 header says.

Offsets count from the Ethernet header; the filters let only IPv4 without options through.
"""

import struct
from typing import NamedTuple

from labctl import names
from labctl.verify.marks import ETHERNET, TOKEN, VXLAN_SHIFT, Marks
from labctl.verify.oracle import Header
from labctl.verify.probe import Message, Tunnel
from labctl.verify.templates import ICMP, IP_HEADER, TCP, UDP, is_sound, pseudo_header

PROTOCOL, TTL, SOURCE, TRANSPORT = 23, 22, 26, 34
_ECHO_REPLY, _UNREACHABLE, _ECHO_REQUEST, _TIME_EXCEEDED = 0, 3, 8, 11
_ERRORS = (_UNREACHABLE, _TIME_EXCEEDED)
_QUOTE = TRANSPORT + 8  # an ICMP error quotes the packet's IP header, and what follows it
_SYN, _ACK = 0x02, 0x10
_TWO_WORDS = struct.Struct("!II")
_PORTS = struct.Struct("!HH")
_WORD = 0xFFFF_FFFF


class Reading(NamedTuple):
    """A frame that is one of ours. `key` is a probe's index, or, of TCP, the SYN's sequence."""

    key: int
    message: Message


def read(frame: bytes, marks: Marks) -> Reading | None:
    """What a frame is to this pass; None when it is none of its frames."""
    protocol = frame[PROTOCOL]
    if protocol == ICMP:
        return _read_icmp(frame, marks)
    if protocol == UDP:
        return _read_udp(frame, marks)
    return _read_tcp(frame, marks) if protocol == TCP else None


def _token(frame: bytes, marks: Marks, at: int = TOKEN) -> int | None:
    if len(frame) < at + 8:
        return None
    mark, index = _TWO_WORDS.unpack_from(frame, at)
    return index if mark & ~0xFF == marks.run else None


def _read_icmp(frame: bytes, marks: Marks) -> Reading | None:
    kind = frame[TRANSPORT]
    if kind in _ERRORS:
        return _read_error(frame, marks)
    index = _token(frame, marks)
    if index is None or kind not in (_ECHO_REQUEST, _ECHO_REPLY):
        return None
    return Reading(index, Message.REQUEST if kind == _ECHO_REQUEST else Message.REPLY)


def _read_udp(frame: bytes, marks: Marks) -> Reading | None:
    index = _token(frame, marks)
    if index is None:
        return None
    if not _has_port(frame, marks, TRANSPORT):
        return None
    _, destination = _PORTS.unpack_from(frame, TRANSPORT)
    is_request = destination in (marks.port, marks.node_port)
    return Reading(index, Message.REQUEST if is_request else Message.REPLY)


def _has_port(frame: bytes, marks: Marks, at: int) -> bool:
    """Whether one of the ports at `at` is a responder's of this pass."""
    return any(port in (marks.port, marks.node_port) for port in _PORTS.unpack_from(frame, at))


def _read_tcp(frame: bytes, marks: Marks) -> Reading | None:
    """SYN and SYN-ACK: the answer acknowledges the request's sequence number, plus one."""
    if len(frame) < TRANSPORT + 20 or not _has_port(frame, marks, TRANSPORT):
        return None
    flags = frame[TRANSPORT + 13]
    sequence, acknowledged = _TWO_WORDS.unpack_from(frame, TRANSPORT + 4)
    if not flags & _SYN:
        return None
    if flags & _ACK:
        return Reading((acknowledged - 1) & _WORD, Message.REPLY)
    return Reading(sequence, Message.REQUEST)


def _read_error(frame: bytes, marks: Marks) -> Reading | None:
    """An ICMP error: Linux quotes up to 576 bytes (RFC 1812, 4.3.2.3), so the token is in it."""
    protocol_at = _QUOTE + 9
    if len(frame) < _QUOTE + IP_HEADER + 8:
        return None
    if frame[protocol_at] == TCP:
        if not _has_port(frame, marks, _QUOTE + IP_HEADER):
            return None
        (sequence,) = struct.unpack_from("!I", frame, _QUOTE + IP_HEADER + 4)
        return Reading(sequence, Message.ERROR)
    index = _token(frame, marks, _QUOTE + IP_HEADER + 8)
    return None if index is None else Reading(index, Message.ERROR)


def header(frame: bytes) -> Header:
    """Source, destination and TTL of the frame's IPv4 packet."""
    src, dst = frame[SOURCE : SOURCE + 4], frame[SOURCE + 4 : SOURCE + 8]
    return Header(dotted(src), dotted(dst), frame[TTL])


def size(frame: bytes) -> int:
    """Total length of the IPv4 packet, bytes."""
    return int.from_bytes(frame[ETHERNET + 2 : ETHERNET + 4], "big")


def error(frame: bytes) -> tuple[int, int, int]:
    """Of an ICMP error: type, code, and the MTU that "fragmentation needed" names (RFC 1191)."""
    return frame[TRANSPORT], frame[TRANSPORT + 1], int.from_bytes(frame[40:42], "big")


def is_sound_segment(frame: bytes, protocol: int) -> bool:
    """Whether the UDP or TCP checksum holds, by the addresses that the frame has."""
    words = int.from_bytes(frame[SOURCE : SOURCE + 4], "big")
    words += int.from_bytes(frame[SOURCE + 4 : SOURCE + 8], "big")
    packet = frame[TRANSPORT : ETHERNET + size(frame)]
    return is_sound(packet, pseudo_header(words, protocol, len(packet)))


def dotted(address: bytes) -> str:
    return ".".join(map(str, address))


def unwrap(frame: bytes) -> tuple[bytes, Tunnel | None]:
    """The inner frame and its tunnel, if the frame is VXLAN; else the frame itself."""
    port = int.from_bytes(frame[TRANSPORT + 2 : TRANSPORT + 4], "big")
    if frame[PROTOCOL] != UDP or port != names.VXLAN_PORT or len(frame) < VXLAN_SHIFT + TRANSPORT:
        return frame, None
    outer = header(frame)
    vni = int.from_bytes(frame[46:49], "big")  # RFC 7348: flags, reserved, VNI
    return frame[VXLAN_SHIFT:], Tunnel(outer.src, outer.dst, vni)
