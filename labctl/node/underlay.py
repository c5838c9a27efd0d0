"""A node's cable: `eth0` as the fabric plugged it in, and who else is on the segment.

The fabric makes the link; the node keeps what hangs on it, so that an address, the default route
or a neighbour that somebody deletes comes back without the fabric. Neighbours are permanent since
the ARP table's limits are global across namespaces, and derived MACs make asking needless.
"""

from collections.abc import Iterator
from ipaddress import IPv4Network

from labctl import names
from labctl.net.nouns import LOOPBACK, Address, Link, Neighbor, Noun, Route
from labctl.node.snapshot import Snapshot

UNDERLAY_INTERFACE = "eth0"

# As the fabric derives them.
_ROUTER_MAC = names.router_mac()
_CONTROL_PLANE_MAC = names.control_plane_mac()


def nouns(snapshot: Snapshot, node: str) -> Iterator[Noun]:
    address = snapshot.node(node).address
    prefix = IPv4Network(names.UNDERLAY_CIDR).prefixlen
    yield LOOPBACK
    yield Link(UNDERLAY_INTERFACE, "veth", mtu=snapshot.mtu, mac=names.node_mac(node))
    yield Address(UNDERLAY_INTERFACE, f"{address}/{prefix}")
    yield Route("default", UNDERLAY_INTERFACE, gateway=names.ROUTER_ADDRESS)
    yield Neighbor(UNDERLAY_INTERFACE, names.ROUTER_ADDRESS, _ROUTER_MAC)
    yield Neighbor(UNDERLAY_INTERFACE, names.CONTROL_PLANE_ADDRESS, _CONTROL_PLANE_MAC)
    for machine in snapshot.machines:
        if machine.name != node:
            yield Neighbor(UNDERLAY_INTERFACE, machine.address, names.node_mac(machine.name))
