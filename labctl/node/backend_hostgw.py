"""Backend host-gw: nodes share a segment, so a plain route to the other node is enough.

flannel's host-gw, with the source pinned: a node's own traffic to pods leaves as its InternalIP.
"""

from collections.abc import Iterator

from labctl.net.nouns import Noun, Route
from labctl.node.snapshot import Snapshot
from labctl.node.underlay import UNDERLAY_INTERFACE


def nouns(snapshot: Snapshot, node: str) -> Iterator[Noun]:
    source = snapshot.node(node).address
    for other in snapshot.others(node):
        yield Route(other.pod_cidr, UNDERLAY_INTERFACE, gateway=other.address, source=source)
