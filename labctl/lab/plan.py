"""`labctl plan NODE`: what its agent would do to the kernel now, if it healed.

The same pure functions as in the agent (desired, diff), on the same objects and the same kernel,
from outside the agent: so it also shows wounds that healing is off for, or that nobody is there to
heal. Nothing is changed.
"""

from dataclasses import dataclass
from pathlib import Path

from labctl import names
from labctl.api.kinds.core import CONFIGMAPS, NODES
from labctl.api.lab import LAB_CONFIGMAP, lab_from_configmap
from labctl.api.objects import Obj
from labctl.client.client import Client
from labctl.cri.client import RuntimeClient
from labctl.cri.errors import CriError
from labctl.errors import NetError
from labctl.lab import connect
from labctl.net import sysctl
from labctl.net.diff import diff
from labctl.net.netlink import Netlink
from labctl.net.nouns import Sysctl
from labctl.net.observe import observe_like
from labctl.net.operations import Operation
from labctl.node.desired import desired
from labctl.node.domain import node_domain
from labctl.node.pod_namespaces import pod_operations
from labctl.node.pod_side import desired_pod
from labctl.node.snapshot import PodPort, Snapshot, port_of, snapshot


@dataclass(frozen=True)
class PlannedOperation:
    """An operation, and where: the node itself (`pod` empty) or one of its pods."""

    operation: Operation
    pod: str = ""

    def describe(self) -> str:
        sentence = self.operation.describe()
        return f"in pod {self.pod}: {sentence}" if self.pod else sentence

    def report(self) -> Obj:
        report: Obj = {
            "describe": self.operation.describe(),
            "verb": type(self.operation).__name__.lower(),
            "kind": type(self.operation.noun).__name__,
        }
        return {**report, "pod": self.pod} if self.pod else report


async def plan(client: Client, lab: str, node: str) -> list[PlannedOperation]:
    """The operations that a node's kernel needs; none when it is as it should be.

    NoSuchLab when the runtime does not answer, NetError when the node's namespace is gone.
    """
    space, name = LAB_CONFIGMAP
    spec = lab_from_configmap(await client.get(CONFIGMAPS, name, space))
    objects = (await client.list(NODES)).items
    ports = [] if spec.network.cni else await _ports(lab, node)
    return compute(lab, node, snapshot(spec, objects).with_ports(ports))


async def _ports(lab: str, node: str) -> list[PodPort]:
    runtime = RuntimeClient(names.runtime_socket(lab))
    try:
        sandboxes = await runtime.list_pod_sandboxes(node)
    except CriError as error:
        raise connect.not_up(lab) from error
    finally:
        await runtime.close()
    ready = [port_of(sandbox) for sandbox in sandboxes if sandbox.state == "ready"]
    return [port for port in ready if port is not None]


def compute(lab: str, node: str, cluster: Snapshot) -> list[PlannedOperation]:
    """Observes the node's kernel and compares."""
    wanted = desired(cluster, node)
    netns = names.netns_path(names.node_netns(lab, node))
    with Netlink.at(netns) as netlink:
        observed = observe_like(netlink, wanted)
        own = node_domain(observed, wanted, cluster)
        with netlink.inside():
            found = [one for one in diff(own, wanted) if _exists(one)]
    planned = [PlannedOperation(one) for one in found]
    for port in cluster.ports:
        planned += _pod_plan(cluster, node, port)
    return planned


def _exists(operation: Operation) -> bool:
    """Settings of a module that is not loaded (br_netfilter) are nobody's to make."""
    noun = operation.noun
    return not isinstance(noun, Sysctl) or sysctl.read(noun.name) is not None


def _pod_plan(cluster: Snapshot, node: str, port: PodPort) -> list[PlannedOperation]:
    try:
        with Netlink.at(Path(port.netns)) as netlink:
            found = pod_operations(netlink, desired_pod(cluster, node, port))
    except NetError:
        return []  # it went while we looked
    return [PlannedOperation(one, f"{port.namespace}/{port.pod}") for one in found]
