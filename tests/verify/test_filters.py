"""The assembled filter and the kernel agree with what the value says."""

import socket

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.l2 import ARP, Ether
from scapy.layers.vxlan import VXLAN
from scapy.packet import Packet, Raw

from labctl.verify import marks
from labctl.verify.filters import Filter, Match, attach, matches

MARKS = marks.Marks(run=0xABCDEF00, first=1, port=20001, node_port=20002, sequence=7)


def kernel_shows(wanted: Filter, frame: bytes) -> bool:
    """Whether a socket with the filter gets the frame: local datagrams are filtered as well."""
    sender, receiver = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with sender, receiver:
        attach(receiver, wanted)
        receiver.setblocking(False)
        sender.send(frame)
        try:
            return receiver.recv(2048) == frame
        except BlockingIOError:
            return False


tests = st.builds(
    Match,
    offset=st.integers(0, 6),
    size=st.sampled_from([1, 2, 4]),
    value=st.integers(0, 3),
    mask=st.sampled_from([0, 1, 3]),
)
filters = st.lists(st.lists(tests, max_size=3).map(tuple), max_size=4).map(tuple)
frames = st.lists(st.integers(0, 3), min_size=1, max_size=12).map(bytes)


@settings(max_examples=200)
@given(filters, frames)
def test_the_kernel_runs_what_the_value_says(wanted: Filter, frame: bytes) -> None:
    # A load past a frame's end refuses it whole in the kernel: only full frames are compared.
    whole = frame.ljust(12, b"\0")
    assert kernel_shows(wanted, whole) == matches(wanted, whole)


def probe(mark: int) -> Raw:
    return Raw(mark.to_bytes(4, "big") + bytes(28))


PLAIN = MARKS.mark(with_node=False)
AT_NODE = MARKS.mark(with_node=True)


@pytest.mark.parametrize(
    ("packet", "pod", "node", "path"),
    [
        (IP() / ICMP() / probe(PLAIN), True, False, True),
        (IP() / ICMP() / probe(AT_NODE), True, True, True),
        (IP() / UDP(sport=1, dport=20001) / probe(PLAIN), True, False, True),
        (IP() / UDP(sport=1, dport=20001) / probe(0xABCDEE00), False, False, False),
        (IP() / TCP(dport=20001, flags="S") / Raw(bytes(40)), True, False, True),
        (IP() / TCP(sport=20002, flags="SA") / Raw(bytes(40)), True, True, True),
        (IP() / TCP(sport=20002, flags="A") / Raw(bytes(40)), False, False, False),
        (IP() / ICMP(type=3, code=4) / IP() / UDP() / Raw(bytes(40)), True, True, True),
        (ARP() / Raw(bytes(40)), False, False, False),
        (
            IP() / UDP(dport=8472) / VXLAN(vni=1) / Ether() / IP() / ICMP() / probe(PLAIN),
            False,
            False,
            True,
        ),
    ],
    ids=str,
)
def test_captures_show_the_frames_of_their_pass(
    packet: Packet, pod: bool, node: bool, path: bool
) -> None:
    frame = bytes(Ether() / packet)
    wanted = (marks.for_pod(MARKS), marks.for_node(MARKS), marks.for_path(MARKS))
    assert tuple(kernel_shows(one, frame) for one in wanted) == (pod, node, path)
