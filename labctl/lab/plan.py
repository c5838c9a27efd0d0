"""`labctl plan NODE`: what its agent would do to the kernel now, if it healed.

The same pure functions as in the agent (desired, diff), on the same objects and the same kernel,
from outside the agent: so it also shows wounds that healing is off for, or that nobody is there to
heal. Nothing is changed.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from labctl import fabric, names
from labctl.api.kinds.core import CONFIGMAPS, NODES
from labctl.api.lab import LAB_CONFIGMAP, LabSpec, lab_from_configmap
from labctl.api.objects import Obj
from labctl.client.client import Client
from labctl.cri.client import RuntimeClient
from labctl.cri.errors import CriError
from labctl.cri.messages import Sandbox
from labctl.errors import NetError
from labctl.lab import connect
from labctl.lab.faults import cut_nodes
from labctl.lab.pins import MissingPin, missing_of_node, missing_of_pods
from labctl.net import sysctl
from labctl.net.diff import diff
from labctl.net.netlink import Netlink
from labctl.net.nouns import Sysctl
from labctl.net.observe import observe_like
from labctl.net.operations import Create, Operation
from labctl.node.desired import desired
from labctl.node.domain import node_domain
from labctl.node.pod_namespaces import is_cable, pod_operations
from labctl.node.pod_side import desired_pod
from labctl.node.snapshot import PodPort, Snapshot, port_of, snapshot


@dataclass(frozen=True)
class PlannedOperation:
    """An operation, and where: the node itself, one of its pods, or a namespace of the fabric."""

    operation: Operation
    pod: str = ""
    space: str = ""

    def describe(self) -> str:
        sentence = self.operation.describe()
        place = f"pod {self.pod}" if self.pod else self.space
        return f"in {place}: {sentence}" if place else sentence

    def report(self) -> Obj:
        report: Obj = {
            "describe": self.operation.describe(),
            "verb": type(self.operation).__name__.lower(),
            "kind": type(self.operation.noun).__name__,
        }
        where = {"pod": self.pod, "space": self.space}
        return {**report, **{key: value for key, value in where.items() if value}}


Planned = PlannedOperation | MissingPin


@dataclass(frozen=True)
class Cluster:
    """What the networks of a lab's nodes are computed from, as it was at one moment."""

    spec: LabSpec
    shared: Snapshot
    sandboxes: tuple[Sandbox, ...]

    def plan(self, node: str) -> list[Planned]:
        """The operations that a node's kernel needs; none when it is as it should be.

        NetError when the node's namespace is gone.
        """
        lab = self.spec.name
        sandboxes = [one for one in self.sandboxes if one.config.node == node]
        ports = [] if self.spec.network.cni else _ports(sandboxes)
        pins = [*missing_of_node(self.spec, node), *missing_of_pods(lab, sandboxes)]
        where = next((pin.source for pin in pins if not pin.link), None)
        return [*pins, *compute(lab, node, self.shared.with_ports(ports), where)]


async def plan(client: Client, lab: str, node: str) -> list[Planned]:
    """The same, for one node as it is now; NoSuchLab when the runtime does not answer."""
    return (await read_cluster(client, lab, node)).plan(node)


async def read_cluster(client: Client, lab: str, node: str = "") -> Cluster:
    """With the sandboxes of one node, or of all; NoSuchLab when the runtime does not answer."""
    space, name = LAB_CONFIGMAP
    configmap = await client.get(CONFIGMAPS, name, space)
    return await cluster_of(lab, node, configmap, (await client.list(NODES)).items)


async def cluster_of(lab: str, node: str, configmap: Obj, nodes: list[Obj]) -> Cluster:
    """The same, from objects that one has: the lab's ConfigMap and its nodes."""
    spec = lab_from_configmap(configmap)
    return Cluster(spec, snapshot(spec, nodes), tuple(await _sandboxes(lab, node)))


async def _sandboxes(lab: str, node: str) -> list[Sandbox]:
    runtime = RuntimeClient(names.runtime_socket(lab))
    try:
        return await runtime.list_pod_sandboxes(node)
    except CriError as error:
        raise connect.not_up(lab) from error
    finally:
        await runtime.close()


def _ports(sandboxes: Iterable[Sandbox]) -> list[PodPort]:
    ready = [port_of(sandbox) for sandbox in sandboxes if sandbox.state == "ready"]
    return [port for port in ready if port is not None]


def compute(
    lab: str, node: str, cluster: Snapshot, where: str | None = None
) -> list[PlannedOperation]:
    """Observes the node's kernel, at the path `where` if its name does not lead there, and compares."""
    wanted = desired(cluster, node)
    netns = where or names.netns_path(names.node_netns(lab, node))
    with Netlink.at(netns) as netlink:
        observed = observe_like(netlink, wanted)
        own = node_domain(observed, wanted, cluster)
        with netlink.inside():
            found = [one for one in diff(own, wanted) if _exists(one)]
    planned = [PlannedOperation(one) for one in found]
    made = {one.noun.key for one in found if one == Create(one.noun)}
    for port in cluster.ports:
        planned += _pod_plan(cluster, node, port, plugged=("link", port.link) in made)
    return planned


def plan_fabric(spec: LabSpec) -> list[PlannedOperation]:
    """What the fabric's own namespaces need. NetError when one is gone."""
    return [
        PlannedOperation(one, space=netns.rpartition(".")[2])
        for netns, operations in fabric.plan(spec, cut_nodes(spec.name)).items()
        for one in operations
    ]


def _exists(operation: Operation) -> bool:
    """Settings of a module that is not loaded (br_netfilter) are nobody's to make."""
    noun = operation.noun
    return not isinstance(noun, Sysctl) or sysctl.read(noun.name) is not None


def _pod_plan(
    cluster: Snapshot, node: str, port: PodPort, *, plugged: bool
) -> list[PlannedOperation]:
    """`plugged` says that its cable is to be made on the node, which makes the pod's end as well."""
    try:
        with Netlink.at(Path(port.netns)) as netlink:
            found = pod_operations(netlink, desired_pod(cluster, node, port))
    except NetError:
        return []  # it went while we looked
    shown = [one for one in found if not (plugged and is_cable(one))]
    return [PlannedOperation(one, f"{port.namespace}/{port.pod}") for one in shown]
