"""A pod as the scheduler sees it: all that filters and scores ask, computed once."""

from dataclasses import dataclass, field
from typing import Final, Self

from labctl.api.node_affinity import ANY_NODE, NodeAffinity
from labctl.api.objects import Obj, controller_of, key, labels, name, namespace, uid
from labctl.scheduler.amounts import NOTHING, Amounts, requested, scored
from labctl.scheduler.crowds import Company, SpreadConstraint, companies, spread_constraints

SCHEDULER: Final = "default-scheduler"

Port = tuple[str, str, int]  # host address, protocol, number
ANY_ADDRESS: Final = "0.0.0.0"  # noqa: S104 - compared, not listened on


@dataclass(frozen=True)
class PodInfo:
    """What one pod needs of a node."""

    key: str
    name: str = ""
    namespace: str = ""
    uid: str = ""
    priority: int = 0
    requests: Amounts = NOTHING
    scored: Amounts = NOTHING
    ports: frozenset[Port] = frozenset()
    tolerations: tuple[Obj, ...] = ()
    node_affinity: NodeAffinity = ANY_NODE
    labels: dict[str, str] = field(default_factory=dict)
    group: str = ""
    """Pods of one group are replicas of one another and spread over nodes."""
    spread: tuple[SpreadConstraint, ...] = ()
    companies: tuple[Company, ...] = ()

    @classmethod
    def of(cls, pod: Obj) -> Self:
        spec = pod["spec"]
        owner = controller_of(pod)
        return cls(
            key=key(pod),
            name=name(pod),
            namespace=namespace(pod),
            uid=uid(pod),
            priority=spec.get("priority") or 0,
            requests=requested(spec),
            scored=scored(spec),
            ports=host_ports(spec),
            tolerations=tuple(spec.get("tolerations") or ()),
            node_affinity=NodeAffinity.of(spec),
            labels=labels(pod),
            group=owner["uid"] if owner else "",
            spread=spread_constraints(pod),
            companies=companies(pod),
        )


def host_ports(spec: Obj) -> frozenset[Port]:
    """The ports of the node that the pod wants for itself."""
    return frozenset(
        (
            port.get("hostIP") or ANY_ADDRESS,
            port.get("protocol") or "TCP",
            port["hostPort"],
        )
        for container in spec.get("containers") or ()
        for port in container.get("ports") or ()
        if port.get("hostPort")
    )


def wants_scheduling(pod: Obj) -> bool:
    """Whether it is this scheduler's to place: not bound, not ending, not gated, not another's."""
    spec = pod["spec"]
    return (
        not spec.get("nodeName")
        and not spec.get("schedulingGates")
        and not pod["metadata"].get("deletionTimestamp")
        and (spec.get("schedulerName") or SCHEDULER) == SCHEDULER
    )
