"""A probe: one check being carried out, and what was seen of it.

Four moments make an exchange: the request leaves the source, arrives at the destination; the
answer leaves there, and returns. Each has an expected signature (TTL, protocol, addresses), compared
as bytes; a TTL of 0 in it stands for any. A fifth is that the source's own stack handed the answer to the socket that asked.
"""

import socket
from enum import IntEnum
from functools import lru_cache
from typing import NamedTuple

from labctl.verify.capture import HOST, OUTGOING
from labctl.verify.oracle import Expectation, Header
from labctl.verify.plan import Check
from labctl.verify.templates import NUMBERS, address_sum
from labctl.verify.topology import Endpoint, Kind


class Message(IntEnum):
    """What a captured packet is to its probe."""

    REQUEST = 0
    REPLY = 1
    ERROR = 2  # an ICMP error that quotes the request


LEAVES, ARRIVES, ANSWERS, RETURNS = range(4)  # moments; also indexes of Probe.signatures
DELIVERED = 4
ONE_WAY = 1 << LEAVES | 1 << ARRIVES
ROUND_TRIP = ONE_WAY | 1 << ANSWERS | 1 << RETURNS | 1 << DELIVERED

MOMENTS = {
    (Message.REQUEST, OUTGOING): LEAVES,
    (Message.REQUEST, HOST): ARRIVES,
    (Message.REPLY, OUTGOING): ANSWERS,
    (Message.REPLY, HOST): RETURNS,
}


class Tunnel(NamedTuple):
    """The VXLAN that a packet was seen in."""

    src: str
    dst: str
    vni: int


class Sighting(NamedTuple):
    """A packet of a probe, seen at an interface of a namespace. `size` is the IP packet's."""

    place: Endpoint
    interface: str
    direction: int
    message: Message
    header: Header
    size: int
    data: bytes
    time: int = 0
    tunnel: Tunnel | None = None
    is_damaged: bool = False
    next_mtu: int = 0  # of an ICMP error that says "fragmentation needed"
    icmp: tuple[int, int] = (0, 0)  # its type and code

    @property
    def hop(self) -> str:
        """Where: `node1 eth0`."""
        return f"{self.place.label} {self.interface}"


class Refusal(NamedTuple):
    """The sender's stack would not send: errno, and the MTU that it named, or 0."""

    errno: int
    mtu: int = 0


class Probe:
    """A check under way. `seen` has a bit per moment; `odd` holds what was not as expected."""

    __slots__ = (
        "addresses",
        "arrived_ttl",
        "check",
        "expectation",
        "index",
        "is_settled",
        "needs",
        "odd",
        "places",
        "refusal",
        "reply",
        "request",
        "seen",
        "sent_size",
        "signatures",
        "trace",
    )

    def __init__(self, index: int, check: Check, expectation: Expectation, needs: int) -> None:
        source, destination = check.source, check.destination
        protocol = NUMBERS[check.protocol]
        self.index = index
        self.check = check
        self.expectation = expectation
        self.needs = needs
        self.places = (source, destination, destination, source)
        self.signatures = tuple(_signature(protocol, header) for header in expectation[1:])
        self.addresses = _number(source.ip) + _number(destination.ip)
        self.seen = 0
        self.odd: list[Sighting] = []
        self.trace: list[Sighting] = []
        self.refusal: Refusal | None = None
        self.is_settled = False
        self.request = b""  # transport header and payload, as the source sends them
        self.reply = b""  # the same of the answer, as it leaves the destination
        self.sent_size = 0  # bytes of the IP packet
        self.arrived_ttl = expectation.arrives.ttl

    @property
    def is_complete(self) -> bool:
        return self.seen & self.needs == self.needs

    @property
    def with_node(self) -> bool:
        """Whether a node is one of the ends."""
        return Kind.NODE in (self.check.source.kind, self.check.destination.kind)

    def expects(self, moment: int, frame: bytes) -> bool:
        """Whether a frame has the IPv4 header that the moment should show."""
        expected = self.signatures[moment]
        if expected[0]:
            return frame[22:24] + frame[26:34] == expected
        return frame[23:24] + frame[26:34] == expected[1:]

    def is_translated_at(self, moment: int) -> bool:
        """Whether the promise itself has NAT between the source and that moment (egress)."""
        leaves, arrives = self.expectation.leaves, self.expectation.arrives
        return leaves.src != arrives.src and moment in (ARRIVES, ANSWERS)


@lru_cache(maxsize=4096)
def _packed(address: str) -> bytes:
    return socket.inet_aton(address)


@lru_cache(maxsize=4096)
def _number(address: str) -> int:
    return address_sum(address)


def _signature(protocol: int, header: Header) -> bytes:
    """The bytes of an IPv4 header that matter: TTL, protocol, source and destination."""
    return bytes((header.ttl, protocol)) + _packed(header.src) + _packed(header.dst)
