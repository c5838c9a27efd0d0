"""Revisions and sizes, kept as annotations of ReplicaSets: the history that rollback reads."""

from collections.abc import Iterable, Mapping
from typing import Final

from labctl.api.objects import Obj, annotations

REVISION: Final = "deployment.kubernetes.io/revision"
HISTORY: Final = "deployment.kubernetes.io/revision-history"
DESIRED: Final = "deployment.kubernetes.io/desired-replicas"
MAXIMUM: Final = "deployment.kubernetes.io/max-replicas"

_NOT_COPIED: Final = {
    "kubectl.kubernetes.io/last-applied-configuration",
    "deprecated.deployment.rollback.to",
    REVISION,
    HISTORY,
    DESIRED,
    MAXIMUM,
}
_HISTORY_CHARACTERS: Final = 2000


def number(obj: Obj, annotation: str) -> int | None:
    """The annotation's value; None where it is absent or no number."""
    try:
        return int(annotations(obj)[annotation])
    except (KeyError, ValueError):
        return None


def revision(obj: Obj) -> int:
    return number(obj, REVISION) or 0


def next_revision(old: Iterable[Obj]) -> int:
    """One more than the highest revision among the old ReplicaSets."""
    return max((revision(one) for one in old), default=0) + 1


def sizes(replicas: int, maximum: int) -> dict[str, str]:
    """What a scaled ReplicaSet remembers, for proportional scaling later."""
    return {DESIRED: str(replicas), MAXIMUM: str(maximum)}


def copied(deployment: Obj) -> dict[str, str]:
    """The Deployment's annotations that its ReplicaSets get too."""
    return {k: v for k, v in annotations(deployment).items() if k not in _NOT_COPIED}


def refreshed(deployment: Obj, replicaset: Obj, number: int) -> dict[str, str]:
    """What must change on the ReplicaSet that carries the present template, at that revision.

    A ReplicaSet that comes back (a rollback) gets a new revision and remembers the old ones.
    """
    present = annotations(replicaset)
    changed = {k: v for k, v in copied(deployment).items() if present.get(k) != v}
    if revision(replicaset) < number:
        changed[REVISION] = str(number)
        if REVISION in present:
            changed[HISTORY] = _history(present)
    return changed


def _history(present: Mapping[str, str]) -> str:
    past = [one for one in present.get(HISTORY, "").split(",") if one]
    past.append(present[REVISION])
    while len(",".join(past)) > _HISTORY_CHARACTERS and len(past) > 1:
        past.pop(0)
    return ",".join(past)
