"""A pod's port: the node's end of its veth pair, and the way from its address to its MAC."""

from collections.abc import Iterator

from labctl import names
from labctl.net.nouns import Link, Neighbor, Noun, Peer
from labctl.node.snapshot import PodPort, Snapshot

POD_INTERFACE = "eth0"


def nouns(snapshot: Snapshot, node: str) -> Iterator[Noun]:
    if snapshot.node(node).pod_cidr:
        for port in snapshot.ports:
            yield from port_nouns(port, snapshot.pod_mtu)


def port_nouns(port: PodPort, mtu: int) -> Iterator[Noun]:
    """Both ends in one message, the far one in the pod's namespace from the start.

    The neighbour is permanent, so that it is neither resolved nor collected: the ARP table and its
    limits are one for all namespaces of the machine.
    """
    yield Link(
        port.link,
        "veth",
        mtu=mtu,
        mac=names.mac_address("port", port.uid, str(port.attempt)),
        master=names.BRIDGE,
        alias=names.pod_alias(port.namespace, port.pod),
        hairpin=bool(port.mappings),  # a pod that asks for its own hostPort gets its packet back
        peer=Peer(POD_INTERFACE, port.netns, port.mac, mtu),
    )
    yield Neighbor(names.BRIDGE, port.address, port.mac)
