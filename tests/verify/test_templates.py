"""Patched templates are what scapy would have built, byte for byte."""

from ipaddress import IPv4Address

from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.packet import Raw

from labctl.verify import templates
from labctl.verify.templates import TEXT, address_sum, is_sound, pseudo_header, template

halves = st.integers(0, 0xFFFF)
words = st.integers(0, 0xFFFF_FFFF)
addresses = st.integers(1, 0xFFFF_FFFE).map(lambda number: str(IPv4Address(number)))
sizes = st.integers(8, 600)


def payload(token: tuple[int, int], size: int) -> bytes:
    body = token[0].to_bytes(4, "big") + token[1].to_bytes(4, "big") + TEXT
    return body.ljust(size, b".")[:size]


@settings(max_examples=50)
@given(halves, halves, st.tuples(words, words), sizes, st.booleans())
def test_icmp(ident: int, sequence: int, token: tuple[int, int], size: int, reply: bool) -> None:
    kind = "echo-reply" if reply else "echo-request"
    built = IP() / ICMP(type=kind, id=ident, seq=sequence) / Raw(payload(token, size))
    made = template("icmp", reply=reply, payload=size).fill(0, ident << 16 | sequence, *token)
    assert made == bytes(built)[20:]
    assert is_sound(made)


@settings(max_examples=50)
@given(addresses, addresses, halves, halves, st.tuples(words, words), sizes)
def test_udp(src: str, dst: str, sport: int, dport: int, token: tuple[int, int], size: int) -> None:
    built = IP(src=src, dst=dst) / UDP(sport=sport, dport=dport) / Raw(payload(token, size))
    total = address_sum(src, dst)
    made = template("udp", payload=size).fill(total, sport << 16 | dport, *token)
    assert made == bytes(built)[20:]
    assert is_sound(made, pseudo_header(total, templates.UDP, len(made)))


@settings(max_examples=50)
@given(addresses, addresses, halves, halves, words, st.tuples(words, words), sizes)
def test_tcp(
    src: str, dst: str, sport: int, dport: int, seq: int, token: tuple[int, int], size: int
) -> None:
    header = TCP(sport=sport, dport=dport, seq=seq, flags="S")
    built = IP(src=src, dst=dst) / header / Raw(payload(token, size))
    total = address_sum(src, dst)
    made = template("tcp", payload=size).fill(total, sport << 16 | dport, seq, *token)
    assert made == bytes(built)[20:]
    assert is_sound(made, pseudo_header(total, templates.TCP, len(made)))


@given(st.binary(min_size=8, max_size=64), st.integers(0, 511))
def test_a_flipped_bit_is_not_sound(data: bytes, bit: int) -> None:
    packet = bytes(IP() / ICMP() / Raw(data))[20:]
    at = bit % (len(packet) * 8)
    flipped = bytearray(packet)
    flipped[at // 8] ^= 1 << at % 8
    assert is_sound(packet)
    assert not is_sound(bytes(flipped))
