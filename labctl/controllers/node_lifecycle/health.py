"""What a node's conditions and taints should be, from when it was last heard of: pure rules.

A node is heard of when its Lease or its status changes. Past the grace time its conditions become
Unknown; conditions become taints; NoExecute taints, which send pods away, come only while most of
the cluster is well: if everything is silent, it is the control plane that is cut off.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from labctl.api.objects import Obj, condition, format_time
from labctl.api.taints import NOT_READY, UNREACHABLE, UNSCHEDULABLE

_REPORTED: Final = ("Ready", "MemoryPressure", "DiskPressure", "PIDPressure")

# Which taint (NoSchedule) stands for which status of a condition.
_CONDITION_TAINTS: Final[Mapping[str, Mapping[str, str]]] = {
    "Ready": {"False": NOT_READY, "Unknown": UNREACHABLE},
    "MemoryPressure": {"True": "node.kubernetes.io/memory-pressure"},
    "DiskPressure": {"True": "node.kubernetes.io/disk-pressure"},
    "PIDPressure": {"True": "node.kubernetes.io/pid-pressure"},
    "NetworkUnavailable": {"True": "node.kubernetes.io/network-unavailable"},
}
_MANAGED: Final = {
    UNSCHEDULABLE,
    *(key for keys in _CONDITION_TAINTS.values() for key in keys.values()),
}
_SMALL_CLUSTER: Final = 50  # nodes; in a bigger one evictions go on slowly in a disruption
_DISRUPTED: Final = 0.55  # the part of a cluster that must be silent to call it disrupted


class Disruption(Enum):
    """How much of the cluster is not ready."""

    NONE = "none"
    PARTIAL = "partial"
    FULL = "full"


def readiness(node: Obj) -> str:
    """True, False or Unknown; a node that never said is Unknown."""
    ready = condition(node, "Ready")
    return str(ready["status"]) if ready else "Unknown"


def silent_conditions(node: Obj, now: float) -> list[Obj]:
    """The conditions of a node that was not heard of for longer than the grace time."""
    present: list[Obj] = (node.get("status") or {}).get("conditions") or []
    by_type = {one["type"]: one for one in present}
    others = [one for one in present if one["type"] not in _REPORTED]
    return [_unknown(type_, by_type.get(type_), now) for type_ in _REPORTED] + others


def _unknown(type_: str, old: Obj | None, now: float) -> Obj:
    if old is None:
        return {
            "type": type_,
            "status": "Unknown",
            "reason": "NodeStatusNeverUpdated",
            "message": "Kubelet never posted node status.",
            "lastHeartbeatTime": format_time(now),
            "lastTransitionTime": format_time(now),
        }
    if old["status"] == "Unknown":
        return old
    return {
        **old,
        "status": "Unknown",
        "reason": "NodeStatusUnknown",
        "message": "Kubelet stopped posting node status.",
        "lastTransitionTime": format_time(now),
    }


def disruption(ready: Iterable[str]) -> Disruption:
    """From the readiness of all nodes (ComputeZoneState of Kubernetes; one zone)."""
    states = list(ready)
    silent = sum(one != "True" for one in states)
    if silent and silent == len(states):
        return Disruption.FULL
    if silent > 2 and silent / len(states) >= _DISRUPTED:
        return Disruption.PARTIAL
    return Disruption.NONE


@dataclass(frozen=True)
class Pace:
    """How many seconds lie between two nodes whose pods are sent away; None: none are."""

    interval: float | None


def pace(state: Disruption, nodes: int, *, primary: float, secondary: float) -> Pace:
    """Evictions go node by node; slower, or (in a small cluster) not at all, in a disruption."""
    if state is Disruption.NONE:
        return Pace(primary)
    if state is Disruption.PARTIAL and nodes > _SMALL_CLUSTER:
        return Pace(secondary)
    return Pace(None)


def execute_taint(node: Obj) -> str | None:
    """The key of the NoExecute taint that the node's readiness asks for."""
    return _CONDITION_TAINTS["Ready"].get(readiness(node))


def has_execute_taint(node: Obj) -> bool:
    wanted = execute_taint(node)
    return any(taint["effect"] == "NoExecute" and taint["key"] == wanted for taint in _taints(node))


def taints(node: Obj, *, execute: bool | None, now: float) -> list[Obj]:
    """All taints that the node should have.

    NoSchedule follows conditions and cordoning at once. `execute` says whether NoExecute may be
    set: True adds it, False takes it away, None keeps what is there, but for taints that no longer
    fit the node's readiness.
    """
    kept = [taint for taint in _taints(node) if not _is_managed(taint)]
    schedule = [_kept_or_new(node, key, "NoSchedule", now) for key in _schedule_keys(node)]
    wanted = execute_taint(node)
    if wanted is None or execute is False:
        return kept + schedule
    present = any(t["effect"] == "NoExecute" and t["key"] in _MANAGED for t in _taints(node))
    if execute or present:
        return [*kept, *schedule, _kept_or_new(node, wanted, "NoExecute", now)]
    return kept + schedule


def _schedule_keys(node: Obj) -> list[str]:
    keys = []
    for type_, by_status in _CONDITION_TAINTS.items():
        found = condition(node, type_)
        # A node that has said nothing yet keeps the taint with which it was admitted.
        status = found["status"] if found else ("False" if type_ == "Ready" else "")
        if status in by_status:
            keys.append(by_status[status])
    if (node.get("spec") or {}).get("unschedulable"):
        keys.append(UNSCHEDULABLE)
    return keys


def _kept_or_new(node: Obj, key: str, effect: str, now: float) -> Obj:
    for taint in _taints(node):
        if taint["key"] == key and taint["effect"] == effect:
            return taint
    new: dict[str, Any] = {"key": key, "effect": effect}
    return {**new, "timeAdded": format_time(now)}


def _is_managed(taint: Obj) -> bool:
    return taint["key"] in _MANAGED and taint["effect"] in ("NoSchedule", "NoExecute")


def _taints(node: Obj) -> list[Obj]:
    return (node.get("spec") or {}).get("taints") or []
