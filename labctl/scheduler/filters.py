"""Which nodes can take a pod: one function a rule, in the order in which Kubernetes asks them.

A filter returns the reasons why the node cannot, in Kubernetes' words, or nothing. The first
filter with a reason decides. `helpful` says whether ending other pods could change the answer,
`wakes` what event could.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Flag, auto
from typing import Final

from labctl.api.taints import UNSCHEDULABLE, tolerates, untolerated
from labctl.scheduler.amounts import lacking
from labctl.scheduler.nodeinfo import NodeInfo
from labctl.scheduler.podinfo import ANY_ADDRESS, PodInfo, Port


class Wake(Flag):
    """What happened in the cluster that may let a waiting pod be placed."""

    NODE = auto()
    POD_GONE = auto()
    POD_PLACED = auto()


NO_WAKE: Final = Wake(0)


@dataclass(frozen=True)
class Filter:
    """A rule: `reasons(pod, node)` is empty where the node can take the pod."""

    name: str
    reasons: Callable[[PodInfo, NodeInfo], Iterable[str]]
    helpful: bool
    """Whether the end of other pods could help (preemption is not helpful otherwise)."""
    wakes: Wake = Wake.NODE


def unschedulable(pod: PodInfo, node: NodeInfo) -> Iterable[str]:
    """A cordoned node takes only what tolerates that."""
    taint = {"key": UNSCHEDULABLE, "effect": "NoSchedule"}
    if node.unschedulable and not any(tolerates(one, taint) for one in pod.tolerations):
        yield "node(s) were unschedulable"


def taints(pod: PodInfo, node: NodeInfo) -> Iterable[str]:
    if not node.taints:
        return
    taint = untolerated(node.taints, pod.tolerations, ("NoSchedule", "NoExecute"))
    if taint is not None:
        yield f"node(s) had untolerated taint {{{taint['key']}: {taint.get('value') or ''}}}"


def node_affinity(pod: PodInfo, node: NodeInfo) -> Iterable[str]:
    if not pod.node_affinity.allows(node.name, node.labels):
        yield "node(s) didn't match Pod's node affinity/selector"


def ports(pod: PodInfo, node: NodeInfo) -> Iterable[str]:
    if pod.ports and any(_collide(one, other) for one in pod.ports for other in node.ports):
        yield "node(s) didn't have free ports for the requested pod ports"


def resources(pod: PodInfo, node: NodeInfo) -> Iterable[str]:
    if node.pods + 1 > node.max_pods:
        yield "Too many pods"
    for resource in lacking(pod.requests, node.used, node.capacity):
        yield f"Insufficient {resource}"


FILTERS = (
    Filter("NodeUnschedulable", unschedulable, helpful=False),
    Filter("TaintToleration", taints, helpful=False),
    Filter("NodeAffinity", node_affinity, helpful=False),
    Filter("NodePorts", ports, helpful=True, wakes=Wake.NODE | Wake.POD_GONE),
    Filter("NodeResourcesFit", resources, helpful=True, wakes=Wake.NODE | Wake.POD_GONE),
)


def _collide(one: Port, other: Port) -> bool:
    """Same protocol and number, on one address or on any."""
    if one[1:] != other[1:]:
        return False
    return one[0] == other[0] or ANY_ADDRESS in (one[0], other[0])
