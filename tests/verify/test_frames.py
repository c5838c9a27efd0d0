"""Frames are read as what they are, whoever rewrote them on their way."""

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.l2 import Ether
from scapy.layers.vxlan import VXLAN
from scapy.packet import Packet, Raw

from labctl.verify import frames
from labctl.verify.frames import Reading
from labctl.verify.marks import Marks
from labctl.verify.oracle import Header
from labctl.verify.probe import Message, Tunnel

MARKS = Marks(run=0xABCDEF00, first=1, port=20001, node_port=20002, sequence=7)
TOKEN = Raw((0xABCDEF01).to_bytes(4, "big") + (300).to_bytes(4, "big") + bytes(24))
ALIEN = Raw(bytes(32))


@pytest.mark.parametrize(
    ("packet", "reading"),
    [
        (IP() / ICMP(type=8) / TOKEN, Reading(300, Message.REQUEST)),
        (IP() / ICMP(type=0) / TOKEN, Reading(300, Message.REPLY)),
        (IP() / ICMP(type=8) / ALIEN, None),
        (IP() / UDP(sport=9, dport=20001) / TOKEN, Reading(300, Message.REQUEST)),
        (IP() / UDP(sport=20002, dport=9) / TOKEN, Reading(300, Message.REPLY)),
        (IP() / UDP(sport=9, dport=9) / TOKEN, None),
        (IP() / TCP(sport=9, dport=20001, seq=5, flags="S"), Reading(5, Message.REQUEST)),
        (IP() / TCP(sport=20001, dport=9, ack=6, flags="SA"), Reading(5, Message.REPLY)),
        (IP() / TCP(sport=20001, dport=9, ack=0, flags="SA"), Reading(0xFFFFFFFF, Message.REPLY)),
        (IP() / TCP(sport=20001, dport=9, flags="A"), None),
        (IP() / TCP(sport=9, dport=80, seq=5, flags="S"), None),
        (
            IP() / ICMP(type=3, code=4) / IP() / UDP(sport=9, dport=20001) / TOKEN,
            Reading(300, Message.ERROR),
        ),
        (
            IP() / ICMP(type=3, code=1) / IP() / TCP(sport=9, dport=20001, seq=5),
            Reading(5, Message.ERROR),
        ),
        (IP() / ICMP(type=3, code=1) / IP() / TCP(sport=9, dport=443, seq=5), None),
        (IP() / ICMP(type=11) / IP(), None),
        (IP(proto=89) / TOKEN, None),
    ],
    ids=str,
)
def test_a_frame_is_known_by_its_token_or_its_sequence(
    packet: Packet, reading: Reading | None
) -> None:
    assert frames.read(bytes(Ether() / packet), MARKS) == reading


def test_the_header_and_the_size_are_the_ip_packets() -> None:
    frame = bytes(Ether() / IP(src="10.244.1.2", dst="10.244.2.2", ttl=62) / ICMP() / TOKEN)
    assert frames.header(frame) == Header("10.244.1.2", "10.244.2.2", 62)
    assert frames.size(frame) == len(frame) - 14


def test_a_fragmentation_needed_names_its_mtu() -> None:
    frame = bytes(Ether() / IP() / ICMP(type=3, code=4, nexthopmtu=1450) / IP() / UDP())
    assert frames.error(frame) == (3, 4, 1450)


def test_vxlan_is_unwrapped() -> None:
    inner = bytes(Ether() / IP(src="10.244.1.2", dst="10.244.2.2") / ICMP() / TOKEN)
    outer = IP(src="172.30.1.1", dst="172.30.1.2") / UDP(dport=8472) / VXLAN(vni=99)
    frame = bytes(Ether() / outer / Raw(inner))
    assert frames.unwrap(frame) == (inner, Tunnel("172.30.1.1", "172.30.1.2", 99))
    assert frames.unwrap(inner) == (inner, None)


def test_a_segment_is_sound_by_the_addresses_that_it_has() -> None:
    frame = bytes(Ether() / IP(src="10.0.0.1", dst="10.0.0.2") / TCP(flags="S") / Raw(b"odd"))
    assert frames.is_sound_segment(frame, 6)
    assert not frames.is_sound_segment(frame[:29] + b"\x09" + frame[30:], 6)
