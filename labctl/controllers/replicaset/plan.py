"""What a ReplicaSet needs next, from itself and the pods: values in, decisions out."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from labctl.api.objects import (
    Obj,
    controller_of,
    format_time,
    is_deleting,
    labels,
    owner_reference,
    uid,
)
from labctl.api.objects import name as name_of
from labctl.api.objects import namespace as namespace_of
from labctl.api.selectors import from_object
from labctl.controllers.pods import is_active, is_available, is_ready, ready_since

BURST: Final = 500  # creations or deletions in one pass


@dataclass(frozen=True)
class Claim:
    """Which pods are the ReplicaSet's, which it should take on, and which let go."""

    mine: tuple[Obj, ...]
    adopt: tuple[Obj, ...]
    release: tuple[Obj, ...]


@dataclass(frozen=True)
class Failure:
    """Why the last pass could not do all that it wanted."""

    reason: str
    message: str


def claim(replicaset: Obj, owned: Iterable[Obj], orphans: Iterable[Obj]) -> Claim:
    """Sorts the pods that it owns, and those that nobody owns, by its selector.

    Pods that are finished or on their way out do not count; a ReplicaSet that is being deleted
    takes on nothing.
    """
    selector = from_object(replicaset["spec"]["selector"])
    mine: list[Obj] = []
    release: list[Obj] = []
    for pod in owned:
        if is_active(pod):
            (mine if selector.matches(labels(pod)) else release).append(pod)
    if is_deleting(replicaset):
        return Claim(tuple(mine), (), ())
    adopt = [pod for pod in orphans if is_active(pod) and selector.matches(labels(pod))]
    return Claim(tuple(mine), tuple(adopt), tuple(release))


def missing(replicaset: Obj, present: int) -> int:
    """How many pods to create in this pass; negative: to delete; at most BURST either way."""
    return max(-BURST, min(BURST, replicas(replicaset) - present))


def slow_start(count: int) -> Iterator[int]:
    """Batch sizes 1, 2, 4, 8 … that add up to `count`.

    If creation fails for a reason that all pods share (a quota, say), only few requests are spent
    on finding out.
    """
    size = 1
    while count > 0:
        batch = min(size, count)
        yield batch
        count -= batch
        size *= 2


def new_pod(replicaset: Obj) -> Obj:
    """A pod as the template says, owned by the ReplicaSet; the server completes its name."""
    template = replicaset["spec"]["template"]
    given = template.get("metadata") or {}
    kept = {k: given[k] for k in ("labels", "annotations", "finalizers") if given.get(k)}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            **kept,
            "generateName": f"{name_of(replicaset)}-",
            "namespace": namespace_of(replicaset),
            "ownerReferences": [owner_reference(replicaset)],
        },
        "spec": template["spec"],
    }


def adoption(replicaset: Obj, pod: Obj) -> Obj:
    """The strategic merge patch that makes the pod the ReplicaSet's; the UID guards against a
    pod of the same name.
    """
    return {"metadata": {"ownerReferences": [owner_reference(replicaset)], "uid": uid(pod)}}


def release(replicaset: Obj, pod: Obj) -> Obj:
    """The strategic merge patch that takes the ReplicaSet's reference away."""
    gone = {"$patch": "delete", "uid": uid(replicaset)}
    return {"metadata": {"ownerReferences": [gone], "uid": uid(pod)}}


def status(replicaset: Obj, pods: Iterable[Obj], failure: Failure | None, now: float) -> Obj:
    """The status with these active pods (epoch seconds)."""
    spec = replicaset["spec"]
    old = replicaset.get("status") or {}
    present = tuple(pods)
    wanted = ((spec["template"].get("metadata") or {}).get("labels") or {}).items()
    wait = spec.get("minReadySeconds", 0)
    counts = {
        "fullyLabeledReplicas": sum(wanted <= labels(pod).items() for pod in present),
        "readyReplicas": sum(is_ready(pod) for pod in present),
        "availableReplicas": sum(is_available(pod, wait, now) for pod in present),
    }
    new: Obj = {"replicas": len(present), **{k: n for k, n in counts.items() if n}}
    new["observedGeneration"] = replicaset["metadata"].get("generation", 0)
    conditions = _conditions(old.get("conditions") or [], failure, now)
    if conditions:
        new["conditions"] = conditions
    return new


def next_availability(replicaset: Obj, pods: Iterable[Obj], now: float) -> float | None:
    """In how many seconds the next ready pod will have been so for minReadySeconds."""
    wait = replicaset["spec"].get("minReadySeconds", 0)
    if not wait:
        return None
    times = [since + wait - now for pod in pods if (since := ready_since(pod)) is not None]
    return min((seconds for seconds in times if seconds > 0), default=None)


def replicas(replicaset: Obj) -> int:
    count = replicaset["spec"].get("replicas")
    return 1 if count is None else int(count)


def owns(replicaset: Obj, pod: Obj) -> bool:
    owner = controller_of(pod)
    return owner is not None and owner["uid"] == uid(replicaset)


def _conditions(old: list[Obj], failure: Failure | None, now: float) -> list[Obj]:
    """ReplicaFailure while a pass fails, nothing of it otherwise; the first failure stays."""
    others = [one for one in old if one["type"] != "ReplicaFailure"]
    if failure is None:
        return others
    present = [one for one in old if one["type"] == "ReplicaFailure"]
    if present:
        return old
    new = {
        "type": "ReplicaFailure",
        "status": "True",
        "reason": failure.reason,
        "message": failure.message,
        "lastTransitionTime": format_time(now),
    }
    return [*others, new]
