"""How the packets of one pass are told from all others, in filters and by whoever reads frames.

Each pass draws fresh marks, so that no conntrack entry of an earlier one answers for the network
as it is now. ICMP and UDP carry a token (mark, index of the probe) after their 8-byte headers; it
survives NAT, which rewrites ids and ports. TCP is known by its port, and by the sequence number of
its SYN, which NAT leaves alone as well.
"""

import secrets
from typing import NamedTuple

from labctl import names
from labctl.verify.filters import IPV4, Alternative, Filter, Match
from labctl.verify.templates import ICMP, TCP, UDP

ETHERNET = 14
VXLAN_SHIFT = 50  # an inner frame's offset: outer Ethernet, IPv4, UDP and VXLAN headers
TOKEN = 42  # Ethernet, IPv4 and an 8-byte transport header
_PROTOCOL, _TRANSPORT, _FLAGS = 23, 34, 47
_SYN = 0x02
_UNREACHABLE, _TIME_EXCEEDED = 3, 11  # ICMP types (RFC 792)
_EPHEMERAL = range(32768, 61000)  # net.ipv4.ip_local_port_range as Linux has it
_RESPONDERS = range(20000, 32768)
_RUN = 0xFFFF_FF00  # of a mark: what all probes of a pass share


class Marks(NamedTuple):
    """`run` is 24 bits, shifted by 8; the ports are those of responders."""

    run: int
    first: int  # 16 bits: the probes' ICMP ids, or source ports, count from here
    port: int  # for probes between pods, and outside
    node_port: int  # for probes from or to nodes
    sequence: int  # that of the first probe's SYN, where verify makes the SYN itself

    def mark(self, *, with_node: bool) -> int:
        """The token's first word: nodes' captures care only for probes that end at nodes."""
        return self.run | with_node

    def ident(self, index: int) -> int:
        """A probe's own ICMP id: where stray NAT maps one flow onto another, the other's id would
        be rewritten for its sake, and a sound pair would look damaged.
        """
        return (self.first + index) & 0xFFFF

    def source_port(self, index: int) -> int:
        """The same for UDP and TCP, among the ports that Linux gives out by itself."""
        return _EPHEMERAL[0] + (self.first + index) % len(_EPHEMERAL)

    def port_for(self, *, with_node: bool) -> int:
        return self.node_port if with_node else self.port

    def words(self, index: int, *, with_node: bool) -> tuple[int, int]:
        """The token of a probe."""
        return self.mark(with_node=with_node), index


def draw() -> Marks:
    """Fresh marks, at random."""
    random = secrets.SystemRandom()
    port, node_port = random.sample(_RESPONDERS, 2)
    run, sequence = random.getrandbits(24) << 8, random.getrandbits(32)
    return Marks(run, random.getrandbits(16), port, node_port, sequence)


def for_pod(marks: Marks) -> Filter:
    """Every probe of the pass, and ICMP errors, which may speak of one."""
    return (
        _token(marks.run, _RUN),
        *_handshake(marks.port),
        *_handshake(marks.node_port),
        *_ERRORS,
    )


def for_node(marks: Marks) -> Filter:
    """The probes that begin or end at nodes: not all the pods' traffic that passes through."""
    return (
        _token(marks.mark(with_node=True), 0),
        *_handshake(marks.node_port),
        *_ERRORS,
    )


def for_path(marks: Marks) -> Filter:
    """Every probe of the pass, also inside of VXLAN."""
    vxlan = (*IPV4, Match(_PROTOCOL, 1, UDP), Match(_TRANSPORT + 2, 2, names.VXLAN_PORT))
    plain = for_pod(marks)
    return (*plain, *((*vxlan, *_shifted(tests)) for tests in plain))


def _shifted(tests: Alternative) -> Alternative:
    return tuple(test._replace(offset=test.offset + VXLAN_SHIFT) for test in tests)


def _token(mark: int, mask: int) -> Alternative:
    return (*IPV4, Match(TOKEN, 4, mark, mask))


def _handshake(port: int) -> Filter:
    """SYN and SYN-ACK from or to a port."""
    common = (*IPV4, Match(_PROTOCOL, 1, TCP), Match(_FLAGS, 1, _SYN, mask=_SYN))
    return tuple((*common, Match(_TRANSPORT + at, 2, port)) for at in (0, 2))


_ERRORS: Filter = tuple(
    (*IPV4, Match(_PROTOCOL, 1, ICMP), Match(_TRANSPORT, 1, kind))
    for kind in (_UNREACHABLE, _TIME_EXCEEDED)
)
