"""The bridge `cni0`: where the pods of a node meet, and their gateway."""

from collections.abc import Iterator

from labctl import names
from labctl.net.nouns import Address, Link, Noun
from labctl.node.snapshot import Snapshot, gateway, with_prefix


def nouns(snapshot: Snapshot, node: str) -> Iterator[Noun]:
    """The bridge, once the node has a podCIDR; with CNI plugins it would be theirs to make.

    Its MAC is pinned: an unpinned one follows the lowest MAC of its ports, so that every pod's
    neighbour entry of its gateway would be wrong after some other pod came or went.
    """
    cidr = snapshot.node(node).pod_cidr
    if cidr and not snapshot.plugins:
        mac = names.bridge_mac(node)
        yield Link(names.BRIDGE, "bridge", mtu=snapshot.pod_mtu, mac=mac)
        yield Address(names.BRIDGE, with_prefix(gateway(cidr), cidr))
