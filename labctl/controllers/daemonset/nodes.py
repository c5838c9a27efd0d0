"""Which nodes a DaemonSet wants a pod on: affinity, taints, and what daemons tolerate by nature.

Kubernetes' daemon_controller.go, NodeShouldRunDaemonPod, and AddOrUpdateDaemonPodTolerations.
"""

from dataclasses import dataclass

from labctl.api.node_affinity import NodeAffinity
from labctl.api.objects import Obj, labels, name
from labctl.api.taints import NOT_READY, UNREACHABLE, UNSCHEDULABLE, untolerated

_PREFIX = "node.kubernetes.io/"
_PRESSURES = ("disk-pressure", "memory-pressure", "pid-pressure")


@dataclass(frozen=True)
class Verdict:
    """Whether a pod shall be made on a node, and whether one that is there may stay."""

    run: bool
    stay: bool


def verdict(template: Obj, node: Obj) -> Verdict:
    """What a DaemonSet with this pod template wants of a node."""
    spec = template["spec"]
    if spec.get("nodeName") not in (None, "", name(node)):
        return Verdict(run=False, stay=False)
    if not NodeAffinity.of(spec).allows(name(node), labels(node)):
        return Verdict(run=False, stay=False)
    taints = (node.get("spec") or {}).get("taints") or ()
    tolerations = daemon_tolerations(spec)
    return Verdict(
        run=untolerated(taints, tolerations, ("NoSchedule", "NoExecute")) is None,
        stay=untolerated(taints, tolerations, ("NoExecute",)) is None,
    )


def daemon_tolerations(spec: Obj) -> list[Obj]:
    """The pod's own tolerations and those that every daemon has."""
    always = [
        _tolerates(NOT_READY, "NoExecute"),
        _tolerates(UNREACHABLE, "NoExecute"),
        *(_tolerates(_PREFIX + pressure, "NoSchedule") for pressure in _PRESSURES),
        _tolerates(UNSCHEDULABLE, "NoSchedule"),
    ]
    if spec.get("hostNetwork"):
        always.append(_tolerates(_PREFIX + "network-unavailable", "NoSchedule"))
    own = list(spec.get("tolerations") or ())
    return [*own, *(one for one in always if one not in own)]


def pinned(spec: Obj, node: str) -> Obj:
    """The pod's spec, for that node alone: the scheduler then binds it there or nowhere."""
    affinity = spec.get("affinity") or {}
    by_node = affinity.get("nodeAffinity") or {}
    term = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}]}
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}
    return {
        **spec,
        "affinity": {**affinity, "nodeAffinity": {**by_node, **required}},
        "tolerations": daemon_tolerations(spec),
    }


def wanted_node(pod: Obj) -> str:
    """The node that a daemon's pod is on, or is made for."""
    bound = pod["spec"].get("nodeName")
    if bound:
        return str(bound)
    by_node = (pod["spec"].get("affinity") or {}).get("nodeAffinity") or {}
    required = by_node.get("requiredDuringSchedulingIgnoredDuringExecution") or {}
    for term in required.get("nodeSelectorTerms") or ():
        for field in term.get("matchFields") or ():
            if field.get("key") == "metadata.name" and len(field.get("values") or ()) == 1:
                return str(field["values"][0])
    return ""


def _tolerates(key: str, effect: str) -> Obj:
    return {"key": key, "operator": "Exists", "effect": effect}
