"""Which checks there are: the claims of the network model, spelled out pair by pair.

A `Check` is one claim about one source, one destination and one protocol. `mtu` has two checks a
pair: a packet of exactly the sending interface's MTU, and one that is a byte longer.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from typing import NamedTuple

from labctl.errors import BadInput
from labctl.verify.topology import Endpoint, Topology

POD_TO_POD = "pod-to-pod"
POD_TO_NODE = "pod-to-node"
NODE_TO_POD = "node-to-pod"
EGRESS = "egress"
MTU = "mtu"
CLAIMS = (POD_TO_POD, POD_TO_NODE, NODE_TO_POD, EGRESS, MTU)
PROTOCOLS = ("icmp", "udp", "tcp")

Pair = tuple[Endpoint, Endpoint]


class Check(NamedTuple):
    """One claim about one pair; `excess` is the bytes above the sender's MTU (claim mtu only)."""

    claim: str
    protocol: str
    source: Endpoint
    destination: Endpoint
    excess: int | None = None


def checks(
    topology: Topology, claims: Sequence[str] = (), protocols: Sequence[str] = ()
) -> tuple[Check, ...]:
    """Every check of the claims and protocols, in a fixed order; empty means all of them.

    Raises BadInput for a word that is none of them.
    """
    chosen_claims = _choice("claim", claims, CLAIMS)
    chosen_protocols = _choice("protocol", protocols, PROTOCOLS)
    return tuple(
        Check(claim, protocol, source, destination, excess)
        for protocol in chosen_protocols
        for claim in chosen_claims
        for source, destination in _pairs(topology, claim)
        for excess in ((0, 1) if claim == MTU else (None,))
    )


def _choice(field: str, wanted: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    for word in wanted:
        if word not in known:
            raise BadInput(f"{field}: {word!r} is none of {', '.join(known)}")
    return tuple(word for word in known if not wanted or word in wanted)


def _pairs(topology: Topology, claim: str) -> Iterator[Pair]:
    pods, nodes = topology.pods, topology.nodes
    outside = (topology.outside,) if topology.outside else ()
    if claim == POD_TO_POD:
        yield from _mesh(pods)
    elif claim == POD_TO_NODE:
        yield from _product(pods, nodes)
    elif claim == NODE_TO_POD:
        yield from _product(nodes, pods)
    elif claim == EGRESS:
        yield from _product(pods, outside)
    else:
        yield from _mesh(pods)
        yield from _product(pods, nodes + outside)


def _mesh(pods: Iterable[Endpoint]) -> Iterator[Pair]:
    """Every ordered pair, there and back beside each other.

    So the ARP entries that a pair makes on both sides can be given back soon (see neighbours).
    """
    for one, other in combinations(pods, 2):
        yield one, other
        yield other, one


def _product(sources: Iterable[Endpoint], destinations: Sequence[Endpoint]) -> Iterator[Pair]:
    return ((source, destination) for source in sources for destination in destinations)
