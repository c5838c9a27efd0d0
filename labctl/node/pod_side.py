"""A pod's own namespace: `lo`, and `eth0` with one address and the bridge as its gateway."""

from labctl import names
from labctl.net.state import NetState
from labctl.net.veth import PodInterface
from labctl.node.ports import POD_INTERFACE
from labctl.node.snapshot import PodPort, Snapshot, gateway, with_prefix


def desired_pod(snapshot: Snapshot, node: str, port: PodPort) -> NetState:
    """The network of the sandbox behind `port`, on a node that has a podCIDR."""
    return NetState(pod_interface(snapshot, node, port).nouns())


def pod_interface(snapshot: Snapshot, node: str, port: PodPort) -> PodInterface:
    """The same as a value to configure the namespace with, when it is new."""
    cidr = snapshot.node(node).pod_cidr
    return PodInterface(
        address=with_prefix(port.address, cidr),
        gateway=gateway(cidr),
        gateway_mac=names.bridge_mac(node),
        mac=port.mac,
        mtu=snapshot.pod_mtu,
        name=POD_INTERFACE,
    )
