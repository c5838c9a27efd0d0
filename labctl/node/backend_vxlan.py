"""Backend vxlan: pods' packets cross between nodes inside UDP, whatever lies between them.

flannel's third design: nothing is learned and nothing is asked for. Per other node there are
exactly three objects, a neighbour, an FDB entry and a route, and VTEP MACs are functions of the
nodes' names, so nobody has to publish them.
"""

from collections.abc import Iterator
from ipaddress import IPv4Network

from labctl import names
from labctl.net.nouns import Address, FdbEntry, Link, Neighbor, Noun, Route, Vxlan
from labctl.node.snapshot import NodePlace, Snapshot
from labctl.node.underlay import UNDERLAY_INTERFACE


def nouns(snapshot: Snapshot, node: str) -> Iterator[Noun]:
    here = snapshot.node(node)
    if not here.pod_cidr:
        return
    yield Link(
        names.VXLAN_DEVICE,
        "vxlan",
        mtu=snapshot.pod_mtu,
        mac=names.vtep_mac(node),
        vxlan=Vxlan(names.VNI, here.address, UNDERLAY_INTERFACE),
    )
    yield Address(names.VXLAN_DEVICE, f"{vtep_address(here)}/32")
    for other in snapshot.others(node):
        yield from _way_to(other, here.address)


def _way_to(other: NodePlace, source: str) -> Iterator[Noun]:
    """Without `source` a node's own traffic to pods would leave as its VTEP's address."""
    device, mac, vtep = names.VXLAN_DEVICE, names.vtep_mac(other.name), vtep_address(other)
    yield Neighbor(device, vtep, mac)
    yield FdbEntry(device, mac, other.address)
    yield Route(other.pod_cidr, device, gateway=vtep, source=source, onlink=True)


def vtep_address(place: NodePlace) -> str:
    """The network address of the node's podCIDR, which no pod can have."""
    return str(IPv4Network(place.pod_cidr).network_address)
