"""What verify judges, as values: who there is, where each lives, and what the lab promises.

`snapshot` builds a `Topology` from API objects; a test builds one by hand for namespaces of its
own. Everything after it works on these values alone.
"""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from labctl import names
from labctl.api.objects import Obj


class Kind(StrEnum):
    POD = "Pod"
    NODE = "Node"
    OUTSIDE = "Outside"
    FABRIC = "Fabric"  # never an end of a check; captures on the path are in it


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Someone who sends or receives: a pod, a node by its InternalIP, or outside.

    `netns` is the path of the network namespace; `node` is the node that hosts a pod, and a node's
    own name.
    """

    kind: Kind
    name: str
    ip: str
    netns: Path
    namespace: str = ""
    node: str = ""
    uid: str = ""

    def __hash__(self) -> int:
        """Short, since checks by the thousand are looked up by their ends."""
        return hash((self.namespace, self.name))

    @property
    def label(self) -> str:
        """As reasons and tables call it: `default/web`, `node1`, `outside`."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name

    def object(self) -> Obj:
        """As it stands in a VerifyReport."""
        obj: Obj = {"kind": str(self.kind)}
        if self.namespace:
            obj["namespace"] = self.namespace
        obj["name"] = self.name
        if self.node:
            obj["node"] = self.node
        return {**obj, "ip": self.ip}


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A pod that is not judged, and why."""

    namespace: str
    name: str
    reason: str

    def object(self) -> Obj:
        return {"namespace": self.namespace, "name": self.name, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class Topology:
    """A lab as verify sees it. `mtu` is the underlay's, in bytes.

    `counts_hops`: labctl's own network promises how many hops a way has; Kubernetes does not, so
    of a CNI plugin's they are told and not judged.
    """

    lab: str
    backend: str
    mtu: int
    pod_cidr: str
    pods: tuple[Endpoint, ...]
    nodes: tuple[Endpoint, ...]
    outside: Endpoint | None
    fabric: Endpoint
    left_out: tuple[LeftOut, ...] = ()
    counts_hops: bool = True

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        outside = (self.outside,) if self.outside else ()
        return self.pods + self.nodes + outside

    def node(self, name: str) -> Endpoint | None:
        return next((node for node in self.nodes if node.name == name), None)


def pod_endpoint(lab: str, namespace: str, name: str, node: str, ip: str, uid: str) -> Endpoint:
    netns = names.netns_path(names.pod_netns(lab, namespace, name))
    return Endpoint(Kind.POD, name, ip, netns, namespace, node, uid)


def node_endpoint(lab: str, name: str, ip: str) -> Endpoint:
    return Endpoint(Kind.NODE, name, ip, names.netns_path(names.node_netns(lab, name)), node=name)


def outside_endpoint(lab: str) -> Endpoint:
    netns = names.netns_path(names.outside_netns(lab))
    return Endpoint(Kind.OUTSIDE, "outside", names.OUTSIDE_ADDRESS, netns)


def fabric_endpoint(lab: str) -> Endpoint:
    return Endpoint(Kind.FABRIC, "fabric", "", names.netns_path(names.fabric_netns(lab)))
