"""Pods: the status that a new one begins with, being bound to a node, and how long one may take
to end.
"""

from labctl.api.objects import Obj, set_condition

_DEFAULT_GRACE = 30
_FINISHED = frozenset({"Succeeded", "Failed"})


def initial_status(pod: Obj) -> Obj:
    return {"phase": "Pending", "qosClass": qos_class(pod)}


def qos_class(pod: Obj) -> str:
    """Guaranteed, Burstable or BestEffort, by the requests and limits of cpu and memory."""
    spec = pod.get("spec") or {}
    containers = [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]
    requests = [_amounts(container, "requests") for container in containers]
    limits = [_amounts(container, "limits") for container in containers]
    if not any(requests) and not any(limits):
        return "BestEffort"
    pairs = zip(requests, limits, strict=True)
    if all(len(limit) == 2 and (request or limit) == limit for request, limit in pairs):
        return "Guaranteed"
    return "Burstable"


def _amounts(container: Obj, which: str) -> Obj:
    amounts = (container.get("resources") or {}).get(which) or {}
    counted = {name: amounts[name] for name in ("cpu", "memory") if name in amounts}
    return {name: amount for name, amount in counted.items() if str(amount) not in {"0", ""}}


def bound(pod: Obj, node: str, annotations: Obj) -> Obj:
    """The pod with its node set, and the condition that says that it is scheduled."""
    status = pod.get("status") or {}
    conditions = set_condition(status.get("conditions") or (), "PodScheduled", "True")
    metadata = pod["metadata"]
    if annotations:
        present = metadata.get("annotations") or {}
        metadata = {**metadata, "annotations": {**present, **annotations}}
    return {
        **pod,
        "metadata": metadata,
        "spec": {**pod["spec"], "nodeName": node},
        "status": {**status, "conditions": conditions},
    }


def grace_seconds(pod: Obj, wanted: int | None) -> int:
    """Seconds that a deletion gives the pod: none to one that has no node or has ended.

    As podStrategy.CheckGracefulDelete: a wish goes before the pod's own time, and what is negative
    is one second.
    """
    spec = pod.get("spec") or {}
    if not spec.get("nodeName") or (pod.get("status") or {}).get("phase") in _FINISHED:
        return 0
    grace = spec.get("terminationGracePeriodSeconds", _DEFAULT_GRACE) if wanted is None else wanted
    return 1 if grace < 0 else int(grace)
