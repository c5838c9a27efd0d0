"""What a node's network is computed from: API objects, cut down to what matters, as values.

`snapshot` reads Node objects and the lab's spec; ports come from the runtime's sandboxes. Two equal
snapshots give equal networks, so a change that changes no snapshot costs nothing.
"""

import functools
import itertools
from collections.abc import Iterable
from dataclasses import dataclass, replace
from ipaddress import IPv4Network

from labctl import names
from labctl.api.lab import LabSpec, node_addresses
from labctl.api.objects import Obj, name
from labctl.cri.messages import PortMapping, Sandbox

_IDENTITY = ("name", "uid", "resourceVersion")


@dataclass(frozen=True, slots=True)
class NodePlace:
    """A node on the underlay and the pods' addresses behind it ("" while it has none)."""

    name: str
    address: str
    pod_cidr: str = ""


@dataclass(frozen=True, slots=True)
class PodPort:
    """A sandbox that is to be on the network. `netns` is the path of its namespace."""

    uid: str
    attempt: int
    namespace: str
    pod: str
    address: str
    netns: str = ""
    mappings: tuple[PortMapping, ...] = ()

    @property
    def sandbox(self) -> str:
        return names.sandbox_id(self.uid, self.attempt)

    @property
    def link(self) -> str:
        return names.veth_name(self.uid, self.attempt)

    @property
    def mac(self) -> str:
        """Of the pod's `eth0`."""
        return names.pod_mac(self.uid, self.attempt)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A cluster as its networks see it."""

    backend: str
    pod_cidr: str
    mtu: int  # of the underlay, bytes
    pod_mtu: int
    machines: tuple[NodePlace, ...]  # the lab's nodes, whether they have registered or not
    nodes: tuple[NodePlace, ...] = ()  # Node objects, those without an address left out
    ports: tuple[PodPort, ...] = ()  # of this node only
    plugins: bool = False  # CNI plugins put pods on the network; there are no ports then
    masquerade: bool = True  # whether it is the agent that hides pods behind their node

    def node(self, node: str) -> NodePlace:
        """Where `node` is: by its object, or else by the lab file. KeyError if it is in neither."""
        for place in itertools.chain(self.nodes, self.machines):
            if place.name == node:
                return place
        raise KeyError(node)

    def others(self, node: str) -> tuple[NodePlace, ...]:
        """The other nodes whose pods can be reached."""
        return tuple(place for place in self.nodes if place.name != node and place.pod_cidr)

    def with_ports(self, ports: Iterable[PodPort]) -> "Snapshot":
        return replace(self, ports=tuple(ports))


def snapshot(spec: LabSpec, nodes: Iterable[Obj]) -> Snapshot:
    """The cluster by the lab's spec and its Node objects; ports come later, with `with_ports`."""
    network = spec.network
    places = (node_place(node) for node in nodes)
    return Snapshot(
        backend=network.backend,
        pod_cidr=network.pod_cidr,
        mtu=network.mtu,
        pod_mtu=network.pod_mtu,
        machines=tuple(NodePlace(*place) for place in node_addresses(spec).items()),
        nodes=tuple(sorted((one for one in places if one.address), key=lambda one: one.name)),
        plugins=network.cni is not None,
        masquerade=network.cni is None or not network.cni.masquerades,
    )


def node_place(node: Obj) -> NodePlace:
    return NodePlace(name(node), internal_ip(node), (node.get("spec") or {}).get("podCIDR", ""))


def node_with_place(node: Obj) -> Obj:
    """No more of a Node object than `node_place` reads, and by what it is told from others."""
    metadata, spec, status = node["metadata"], node.get("spec") or {}, node.get("status") or {}
    return {
        "metadata": {key: metadata[key] for key in _IDENTITY if key in metadata},
        "spec": {"podCIDR": spec.get("podCIDR", "")},
        "status": {"addresses": status.get("addresses")},
    }


def internal_ip(node: Obj) -> str:
    """The address of a Node object on the underlay, or ""."""
    for address in (node.get("status") or {}).get("addresses") or ():
        if address.get("type") == "InternalIP":
            return str(address["address"])
    return ""


def port_of(sandbox: Sandbox) -> PodPort | None:
    """The port of a sandbox; None for one that uses the node's own network."""
    config = sandbox.config
    if config.host_network or not config.ip:
        return None
    return PodPort(
        config.uid,
        config.attempt,
        config.namespace,
        config.name,
        config.ip,
        sandbox.netns,
        config.port_mappings,
    )


@functools.cache
def gateway(pod_cidr: str) -> str:
    """The first address of a podCIDR, which the node's bridge has."""
    return str(IPv4Network(pod_cidr)[1])


def with_prefix(address: str, pod_cidr: str) -> str:
    """An address of a podCIDR with its prefix length, as interfaces carry it."""
    return f"{address}/{pod_cidr.partition('/')[2]}"
