"""ICMP echo packets as bytes (RFC 792), and what comes back."""

import struct
from dataclasses import dataclass
from socket import inet_ntoa

ECHO_REPLY, UNREACHABLE, ECHO_REQUEST, TIME_EXCEEDED = 0, 3, 8, 11

_ECHO = struct.Struct("!BBHHH")  # type, code, checksum, identifier, sequence
_ERROR_HEADER = 8
_PROTOCOL_ICMP = 1
_REASONS = {
    (UNREACHABLE, 0): "Destination Net Unreachable",
    (UNREACHABLE, 1): "Destination Host Unreachable",
    (UNREACHABLE, 2): "Destination Protocol Unreachable",
    (UNREACHABLE, 3): "Destination Port Unreachable",
    (UNREACHABLE, 4): "Frag needed and DF set",
    (UNREACHABLE, 13): "Packet filtered",
    (TIME_EXCEEDED, 0): "Time to live exceeded",
}


@dataclass(frozen=True)
class Answer:
    """An echo reply, or the error that a router sent for a request; `error` is its words."""

    sequence: int
    source: str
    ttl: int
    size: int
    error: str = ""


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    padded = data + b"\0" * (len(data) % 2)
    total: int = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def echo_request(identifier: int, sequence: int, payload: bytes) -> bytes:
    without = _ECHO.pack(ECHO_REQUEST, 0, 0, identifier, sequence) + payload
    head = _ECHO.pack(ECHO_REQUEST, 0, checksum(without), identifier, sequence)
    return head + payload


def read_answer(packet: bytes, identifier: int) -> Answer | None:
    """What an IPv4 packet from a raw socket says to our request; None when it is not for us."""
    if len(packet) < 20:
        return None
    start = (packet[0] & 0xF) * 4
    if len(packet) < start + _ECHO.size:
        return None
    kind, code, _, number, sequence = _ECHO.unpack_from(packet, start)
    source, ttl, size = inet_ntoa(packet[12:16]), packet[8], len(packet) - start
    if kind == ECHO_REPLY and number == identifier:
        return Answer(sequence, source, ttl, size)
    if kind in (UNREACHABLE, TIME_EXCEEDED):
        sequence = _quoted_sequence(packet[start + _ERROR_HEADER :], identifier)
        if sequence >= 0:
            reason = _REASONS.get((kind, code), f"ICMP type {kind} code {code}")
            return Answer(sequence, source, ttl, size, reason)
    return None


def _quoted_sequence(quoted: bytes, identifier: int) -> int:
    """The sequence of our request that an error quotes, or -1."""
    if len(quoted) < 20 or quoted[9] != _PROTOCOL_ICMP:
        return -1
    start = (quoted[0] & 0xF) * 4
    if len(quoted) < start + _ECHO.size:
        return -1
    kind, _, _, number, sequence = _ECHO.unpack_from(quoted, start)
    return int(sequence) if kind == ECHO_REQUEST and number == identifier else -1
