"""What a ReplicaSet needs next, from itself and the pods: values in, decisions out."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from labctl.api.objects import (
    Obj,
    format_time,
)
from labctl.controllers.replicaset.census import Census, Sort

BURST: Final = 500  # creations or deletions in one pass


@dataclass(frozen=True)
class Failure:
    """Why the last pass could not do all that it wanted."""

    reason: str
    message: str


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


def status(replicaset: Obj, census: Census, failure: Failure | None, now: float) -> Obj:
    """The status with the active ones of these pods (epoch seconds)."""
    spec = replicaset["spec"]
    old = replicaset.get("status") or {}
    wanted = ((spec["template"].get("metadata") or {}).get("labels") or {}).items()
    wait = spec.get("minReadySeconds", 0)
    counts = {
        "fullyLabeledReplicas": _count(census, lambda sort: wanted <= sort.labels),
        "readyReplicas": _count(census, lambda sort: sort.ready),
        "availableReplicas": _count(census, lambda sort: sort.is_available(wait, now)),
    }
    new: Obj = {"replicas": active(census), **{k: n for k, n in counts.items() if n}}
    new["observedGeneration"] = replicaset["metadata"].get("generation", 0)
    conditions = _conditions(old.get("conditions") or [], failure, now)
    if conditions:
        new["conditions"] = conditions
    return new


def active(census: Census) -> int:
    """How many of the pods count as replicas."""
    return _count(census, lambda _: True)


def _count(census: Census, counts: Callable[[Sort], bool]) -> int:
    return sum(count for sort, count in census.items() if sort.active and counts(sort))


def replicas(replicaset: Obj) -> int:
    count = replicaset["spec"].get("replicas")
    return 1 if count is None else int(count)


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
