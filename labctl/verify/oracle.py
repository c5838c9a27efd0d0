"""What should be seen, by the promises of the network model alone.

For a check: the addresses and the TTL with which the request leaves, reaches the destination, and
with which the answer leaves and comes home. No code is shared with what builds the network, and
nothing is read from a kernel: an oracle that asks the accused proves nothing.
"""

from typing import NamedTuple

from labctl.verify.plan import Check
from labctl.verify.topology import Endpoint, Kind, Topology

INITIAL_TTL = 64  # Linux' net.ipv4.ip_default_ttl
ANY_TTL = 0  # where nobody promised how many hops there are; no packet arrives with it

SAME_NODE = "same-node"
CROSS_NODE = "cross-node"
EGRESS = "egress"


class Header(NamedTuple):
    """Of an IPv4 packet: what NAT and routers change."""

    src: str
    dst: str
    ttl: int


class Expectation(NamedTuple):
    """The four moments of an exchange, as each end's namespace should see them."""

    path: str
    leaves: Header  # the request, at the source
    arrives: Header  # the request, at the destination
    answers: Header  # the answer, at the destination
    returns: Header  # the answer, at the source


def path(source: Endpoint, destination: Endpoint) -> str:
    """The kind of way between two endpoints."""
    if Kind.OUTSIDE in (source.kind, destination.kind):
        return EGRESS
    return SAME_NODE if source.node == destination.node else CROSS_NODE


def hops(source: Endpoint, destination: Endpoint) -> int:
    """How many IP stacks forward a packet between the two.

    Same node: none, the bridge is no hop and a node's own address is local. Cross node: a pod's
    packet is forwarded by each node that is not itself the end. Egress: by the pod's node and by
    the fabric's router.
    """
    way = path(source, destination)
    if way == SAME_NODE:
        return 0
    pods = [source.kind, destination.kind].count(Kind.POD)
    return pods + 1 if way == EGRESS else pods


def expect(check: Check, topology: Topology) -> Expectation:
    """What each end should see. Only egress translates: into the address of the pod's node."""
    source, destination = check.source, check.destination
    way = path(source, destination)
    seen_as = _seen_as(source, way, topology)
    arrival = INITIAL_TTL - hops(source, destination) if topology.counts_hops else ANY_TTL
    return Expectation(
        way,
        Header(source.ip, destination.ip, INITIAL_TTL),
        Header(seen_as, destination.ip, arrival),
        Header(destination.ip, seen_as, INITIAL_TTL),
        Header(destination.ip, source.ip, arrival),
    )


def _seen_as(source: Endpoint, way: str, topology: Topology) -> str:
    if way != EGRESS or source.kind is not Kind.POD:
        return source.ip
    node = topology.node(source.node)
    return node.ip if node else source.ip
