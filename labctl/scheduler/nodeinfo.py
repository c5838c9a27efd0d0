"""A node as the scheduler sees it: what it has, and what its pods use, counted as they come.

Frozen: adding a pod makes a new value, so that a decision always looks at one consistent state,
and tests write nodes down as they are.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Self

from labctl.api.objects import Obj, labels, name
from labctl.scheduler.amounts import NOTHING, Amounts
from labctl.scheduler.podinfo import PodInfo, Port

HOSTNAME: Final = "kubernetes.io/hostname"
ZONE: Final = "topology.kubernetes.io/zone"

_DEFAULT_PODS: Final = 110  # a kubelet's default


@dataclass(frozen=True)
class NodeInfo:
    """One node and the sum of its pods."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[Obj, ...] = ()
    unschedulable: bool = False
    capacity: Amounts = NOTHING
    max_pods: int = _DEFAULT_PODS
    used: Amounts = NOTHING
    scored: Amounts = NOTHING
    pods: int = 0
    ports: frozenset[Port] = frozenset()
    groups: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, node: Obj) -> Self:
        """The node without pods."""
        spec, status = node.get("spec") or {}, node.get("status") or {}
        allocatable = status.get("allocatable") or status.get("capacity") or {}
        return cls(
            name=name(node),
            labels=labels(node),
            taints=tuple(spec.get("taints") or ()),
            unschedulable=bool(spec.get("unschedulable")),
            capacity=Amounts.of(allocatable),
            max_pods=int(allocatable.get("pods", _DEFAULT_PODS)),
        )

    def updated(self, node: Obj) -> "NodeInfo":
        """What the node says of itself now, with the pods that it has."""
        fresh = NodeInfo.of(node)
        return replace(
            fresh,
            used=self.used,
            scored=self.scored,
            pods=self.pods,
            ports=self.ports,
            groups=self.groups,
        )

    def with_pod(self, pod: PodInfo) -> "NodeInfo":
        return replace(
            self,
            used=self.used + pod.requests,
            scored=self.scored + pod.scored,
            pods=self.pods + 1,
            ports=self.ports | pod.ports,
            groups=_counted(self.groups, pod.group, 1),
        )

    def without_pod(self, pod: PodInfo) -> "NodeInfo":
        return replace(
            self,
            used=self.used - pod.requests,
            scored=self.scored - pod.scored,
            pods=self.pods - 1,
            ports=self.ports - pod.ports,
            groups=_counted(self.groups, pod.group, -1),
        )


def _counted(groups: Mapping[str, int], group: str, by: int) -> Mapping[str, int]:
    if not group:
        return groups
    counted = {**groups, group: groups.get(group, 0) + by}
    if not counted[group]:
        del counted[group]
    return counted
