"""What would bring a node's kernel to what the objects ask for: `labctl plan NODE`.

A second opinion: computed from API objects and the runtime's sandboxes by whoever asks, with the
node's and the pods' namespaces observed from outside of the agent. Nothing is changed.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from labctl import names
from labctl.api.kinds.core import CONFIGMAPS, NODES
from labctl.api.lab import LAB_CONFIGMAP, LabSpec, lab_from_configmap
from labctl.api.objects import Obj
from labctl.client.client import Client
from labctl.cri.client import RuntimeClient
from labctl.cri.messages import Sandbox
from labctl.errors import BadInput, NetError
from labctl.net import namespaces, sysctl
from labctl.net.diff import diff
from labctl.net.netlink import Netlink
from labctl.net.nouns import Sysctl
from labctl.net.observe import observe_like
from labctl.net.operations import Operation
from labctl.node.desired import desired
from labctl.node.domain import node_domain
from labctl.node.pod_network import pod_operations
from labctl.node.pod_side import desired_pod
from labctl.node.snapshot import PodPort, Snapshot, port_of, snapshot


@dataclass(frozen=True, slots=True)
class PlannedOperation:
    """An operation and the namespace, by its name in /run/netns, in which it is needed."""

    netns: str
    operation: Operation

    def describe(self) -> str:
        return self.operation.describe()


async def plan_node(client: Client, lab: str, node: str) -> tuple[PlannedOperation, ...]:
    """Reads the lab's spec and Nodes from the API, the sandboxes from the runtime, and plans.

    Raises BadInput for a node that the lab does not have, StatusError, CriError, NetError.
    """
    namespace, name = LAB_CONFIGMAP
    spec = lab_from_configmap(await client.get(CONFIGMAPS, name, namespace))
    nodes = (await client.list(NODES)).items
    runtime = RuntimeClient(names.runtime_socket(lab))
    try:
        sandboxes = await runtime.list_pod_sandboxes(node)
    finally:
        await runtime.close()
    return operations_for(lab, node, spec, nodes, sandboxes)


def operations_for(
    lab: str, node: str, spec: LabSpec, nodes: Iterable[Obj], sandboxes: Iterable[Sandbox]
) -> tuple[PlannedOperation, ...]:
    """The operations that `node` and its pods need, in order; () if all is as it should be."""
    if node not in spec.node_names:
        raise BadInput(f"the lab has no node {node}", f"its nodes are {', '.join(spec.node_names)}")
    ready = (port_of(one) for one in sandboxes if one.state == "ready")
    ports = [port for port in ready if port is not None]
    cluster = snapshot(spec, nodes).with_ports(ports)
    plan = list(_for_node(lab, node, cluster))
    for port in ports:
        plan += _for_pod(lab, node, cluster, port)
    return tuple(plan)


def _for_node(lab: str, node: str, cluster: Snapshot) -> Iterable[PlannedOperation]:
    wanted = desired(cluster, node)
    netns = names.node_netns(lab, node)
    with Netlink.at(namespaces.netns_path(netns)) as netlink:
        observed = node_domain(observe_like(netlink, wanted), wanted, cluster.pod_cidr)
    return [
        PlannedOperation(netns, one) for one in diff(observed, wanted) if not _is_beyond_host(one)
    ]


def _is_beyond_host(operation: Operation) -> bool:
    """A setting that this host does not have: br_netfilter is not loaded."""
    noun = operation.noun
    if not isinstance(noun, Sysctl) or not noun.name.startswith("net.bridge."):
        return False
    return sysctl.read(noun.name) is None


def _for_pod(lab: str, node: str, cluster: Snapshot, port: PodPort) -> Iterable[PlannedOperation]:
    if not cluster.node(node).pod_cidr:
        return []
    netns = names.pod_netns(lab, port.namespace, port.pod)
    try:
        with Netlink.at(port.netns) as netlink:
            operations = pod_operations(netlink, desired_pod(cluster, node, port))
    except NetError:
        return []  # it went while we looked
    return [PlannedOperation(netns, one) for one in operations]
