"""A Deployment's status: counts over its ReplicaSets, and three conditions with fixed words.

Progressing tells of the rollout, Available of the pods, ReplicaFailure of a ReplicaSet that cannot
make pods. `lastTransitionTime` moves when a condition's status flips, `lastUpdateTime` also when
its reason changes or the rollout made progress; from it the progress deadline is counted.
"""

from collections.abc import Iterable
from typing import Final

from labctl.api.objects import Obj, format_time, name, parse_time
from labctl.controllers.deployment.family import Family, Wish, total

_NO_DEADLINE: Final = 2**31 - 1  # how the API spells "no deadline"

PROGRESSING: Final = "Progressing"
AVAILABLE: Final = "Available"
FAILURE: Final = "ReplicaFailure"


def counts(deployment: Obj, wish: Wish, family: Family, now: float) -> Obj:
    """The status with counts and Available of now, other conditions as they are."""
    old = deployment.get("status") or {}
    available = sum(one.available for one in family.all)
    numbers = {
        "replicas": sum(one.actual for one in family.all),
        "updatedReplicas": family.new.actual if family.new else 0,
        "readyReplicas": sum(one.ready for one in family.all),
        "availableReplicas": available,
        "unavailableReplicas": max(0, total(family.all) - available),
    }
    status: Obj = {"observedGeneration": deployment["metadata"].get("generation", 0)}
    status |= {field: number for field, number in numbers.items() if number}
    if "collisionCount" in old:
        status["collisionCount"] = old["collisionCount"]
    found = availability(available >= wish.min_available, now)
    status["conditions"] = put(old.get("conditions") or [], found)
    return status


def rollout(deployment: Obj, wish: Wish, family: Family, now: float) -> Obj:
    """The status during a rollout: counts, and how far it has come."""
    status = counts(deployment, wish, family, now)
    conditions = status["conditions"]
    if not has_deadline(deployment):
        conditions = without(conditions, PROGRESSING)
    elif not _was_complete(status, find(conditions, PROGRESSING)):
        conditions = _progress(deployment, wish, family, status, now)
    return {**status, "conditions": _failures(conditions, family)}


def _progress(deployment: Obj, wish: Wish, family: Family, status: Obj, now: float) -> list[Obj]:
    conditions: list[Obj] = status["conditions"]
    if is_complete(deployment, wish, status):
        return put(
            conditions, progress("NewReplicaSetAvailable", _subject(deployment, family), now)
        )
    if has_progressed(deployment.get("status") or {}, status):
        new = progress("ReplicaSetUpdated", _subject(deployment, family), now)
        return put(conditions, new, renew=True)
    if has_timed_out(deployment, now):
        new = progress("ProgressDeadlineExceeded", _subject(deployment, family), now)
        return put(conditions, new)
    return conditions


def is_complete(deployment: Obj, wish: Wish, status: Obj) -> bool:
    """Whether all that is asked for runs the present template and is available."""
    fields = ("replicas", "updatedReplicas", "availableReplicas")
    generation = deployment["metadata"].get("generation", 0)
    return (
        all(status.get(field, 0) == wish.replicas for field in fields)
        and status.get("observedGeneration", 0) >= generation
    )


def has_progressed(old: Obj, new: Obj) -> bool:
    """Whether there are more updated, ready or available replicas, or fewer old ones."""
    grew = ("updatedReplicas", "readyReplicas", "availableReplicas")
    return _outdated(new) < _outdated(old) or any(
        new.get(field, 0) > old.get(field, 0) for field in grew
    )


def has_timed_out(deployment: Obj, now: float) -> bool:
    present = find((deployment.get("status") or {}).get("conditions") or [], PROGRESSING)
    if present is None or present["reason"] == "NewReplicaSetAvailable":
        return False
    if present["reason"] == "ProgressDeadlineExceeded":
        return True
    return _deadline(deployment, present) < now


def next_look(deployment: Obj, wish: Wish, status: Obj, now: float) -> float | None:
    """In how many seconds a rollout that stands still will have timed out."""
    present = find(status["conditions"], PROGRESSING)
    if present is None or not has_deadline(deployment) or is_complete(deployment, wish, status):
        return None
    if present["reason"] in ("ProgressDeadlineExceeded", "NewReplicaSetAvailable"):
        return None
    return max(1.0, _deadline(deployment, present) - now + 1.0)


def has_deadline(deployment: Obj) -> bool:
    deadline = deployment["spec"].get("progressDeadlineSeconds")
    return deadline is not None and deadline != _NO_DEADLINE


def paused_or_resumed(deployment: Obj, now: float) -> list[Obj]:
    """The conditions, with a note if the Deployment was paused or resumed since the last look."""
    conditions: list[Obj] = (deployment.get("status") or {}).get("conditions") or []
    present = find(conditions, PROGRESSING)
    reason = present["reason"] if present else ""
    if not has_deadline(deployment) or reason == "ProgressDeadlineExceeded":
        return conditions
    if is_paused(deployment) and reason != "DeploymentPaused":
        return put(conditions, progress("DeploymentPaused", "", now))
    if not is_paused(deployment) and reason == "DeploymentPaused":
        return put(conditions, progress("DeploymentResumed", "", now))
    return conditions


def is_paused(deployment: Obj) -> bool:
    return bool(deployment["spec"].get("paused"))


_PROGRESS: Final = {
    "NewReplicaSetCreated": ("True", "Created new replica set {}"),
    "FoundNewReplicaSet": ("True", "Found new replica set {}"),
    "ReplicaSetUpdated": ("True", "{} is progressing."),
    "NewReplicaSetAvailable": ("True", "{} has successfully progressed."),
    "ProgressDeadlineExceeded": ("False", "{} has timed out progressing."),
    "DeploymentPaused": ("Unknown", "Deployment is paused"),
    "DeploymentResumed": ("Unknown", "Deployment is resumed"),
    "ReplicaSetCreateError": ("False", "Failed to create new replica set {}"),
}


def progress(reason: str, subject: str, now: float) -> Obj:
    """The Progressing condition of that reason, in Kubernetes' words about `subject`."""
    status, text = _PROGRESS[reason]
    return _condition(PROGRESSING, status, reason, text.format(subject), now)


def availability(enough: bool, now: float) -> Obj:
    if enough:
        text = "Deployment has minimum availability."
        return _condition(AVAILABLE, "True", "MinimumReplicasAvailable", text, now)
    text = "Deployment does not have minimum availability."
    return _condition(AVAILABLE, "False", "MinimumReplicasUnavailable", text, now)


def find(conditions: Iterable[Obj], type_: str) -> Obj | None:
    return next((one for one in conditions if one["type"] == type_), None)


def without(conditions: Iterable[Obj], type_: str) -> list[Obj]:
    return [one for one in conditions if one["type"] != type_]


def put(conditions: list[Obj], new: Obj, *, renew: bool = False) -> list[Obj]:
    """The conditions with `new` among them; the same status and reason change nothing, unless
    `renew` says that its lastUpdateTime shall move.
    """
    old = find(conditions, new["type"])
    if old is not None and old["status"] == new["status"]:
        if old["reason"] == new["reason"] and not renew:
            return conditions
        new = {**new, "lastTransitionTime": old["lastTransitionTime"]}
    return [*without(conditions, new["type"]), new]


def _condition(type_: str, status: str, reason: str, message: str, now: float) -> Obj:
    return {
        "type": type_,
        "status": status,
        "lastUpdateTime": format_time(now),
        "lastTransitionTime": format_time(now),
        "reason": reason,
        "message": message,
    }


def _failures(conditions: list[Obj], family: Family) -> list[Obj]:
    """ReplicaFailure as a ReplicaSet has it: the new one's before the others'."""
    ordered = ([family.new] if family.new else []) + list(family.old)
    for one in ordered:
        found = find((one.obj.get("status") or {}).get("conditions") or [], FAILURE)
        if found is not None:
            time = found["lastTransitionTime"]
            return put(conditions, {**found, "lastUpdateTime": time})
    return without(conditions, FAILURE)


def _was_complete(status: Obj, present: Obj | None) -> bool:
    """Whether the rollout was over before: what happens to pods later is no rollout."""
    all_updated = status.get("replicas", 0) == status.get("updatedReplicas", 0)
    return all_updated and present is not None and present["reason"] == "NewReplicaSetAvailable"


def _outdated(status: Obj) -> int:
    return int(status.get("replicas", 0) - status.get("updatedReplicas", 0))


def _deadline(deployment: Obj, present: Obj) -> float:
    seconds: float = deployment["spec"]["progressDeadlineSeconds"]
    return parse_time(present["lastUpdateTime"]) + seconds


def _subject(deployment: Obj, family: Family) -> str:
    if family.new is None:
        return f'Deployment "{name(deployment)}"'
    return f'ReplicaSet "{family.new.name}"'
