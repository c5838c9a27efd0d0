"""A cluster of three nodes as objects, and the sandboxes of one of them: input for pure tests."""

from labctl.api.lab import LabSpec, NetworkSpec, node_address, numbered_nodes
from labctl.api.objects import Obj
from labctl.node.snapshot import PodPort, Snapshot, snapshot

NODES = ("node1", "node2", "node3")


def spec(backend: str = "host-gw", lab: str = "lab") -> LabSpec:
    return LabSpec(lab, numbered_nodes(3), NetworkSpec(backend=backend))


def node(name: str, lab: LabSpec) -> Obj:
    address = node_address(lab, name)
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "uid": f"uid-{name}"},
        "spec": {"podCIDR": f"10.244.{address.rpartition('.')[2]}.0/24"},
        "status": {"addresses": [{"type": "InternalIP", "address": address}]},
    }


def cluster(backend: str = "host-gw", ports: tuple[PodPort, ...] = ()) -> Snapshot:
    lab = spec(backend)
    return snapshot(lab, [node(name, lab) for name in NODES]).with_ports(ports)


def port(number: int, netns: str = "/proc/4711/ns/net", subnet: int = 1) -> PodPort:
    return PodPort(
        f"uid-{number}", 0, "default", f"web-{number}", f"10.244.{subnet}.{number}", netns
    )
