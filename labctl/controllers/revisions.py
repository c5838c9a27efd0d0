"""ControllerRevisions: the templates that a DaemonSet or StatefulSet has had, numbered.

Kubernetes' controller_history.go. A revision's data is the patch that brings its template back, as
`kubectl rollout undo` applies it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from labctl.api.hash import pod_template_hash
from labctl.api.kinds.apps import CONTROLLERREVISIONS
from labctl.api.objects import Obj, name, namespace, owner_reference
from labctl.controllers.writes import Create, Delete, Patch, Write

HASH_LABEL = "controller-revision-hash"


@dataclass(frozen=True)
class History:
    """The revisions of one workload, oldest first, and the one of its present template."""

    present: Obj
    all: tuple[Obj, ...]
    writes: tuple[Write, ...] = ()
    """What makes the API say the same."""

    @property
    def hash(self) -> str:
        return hash_of(self.present)

    def with_hash(self, wanted: str) -> Obj | None:
        return next((one for one in self.all if hash_of(one) == wanted), None)


def history(owner: Obj, revisions: Iterable[Obj], *, name_with_hash: bool = False) -> History:
    """What a workload's own revisions are, with one for its present template at their end.

    A template that comes back raises the number of its old revision. `name_with_hash`: the hash of
    a revision is the whole of its name (StatefulSets), not what follows the workload's.
    """
    known = sorted(revisions, key=_number)
    data = _data(owner)
    same = [one for one in known if one.get("data") == data]
    number = _number(known[-1]) + 1 if known else 1
    if not same:
        new = _new(owner, data, number, name_with_hash=name_with_hash)
        return History(new, (*known, new), (Create(CONTROLLERREVISIONS, new),))
    latest = same[-1]
    if latest is known[-1]:
        return History(latest, tuple(known))
    risen = {**latest, "revision": number}
    others = tuple(one for one in known if one is not latest)
    write = Patch(CONTROLLERREVISIONS, latest, {"revision": number})
    return History(risen, (*others, risen), (write,))


def outdated(owner: Obj, found: History, live: Iterable[str]) -> Sequence[Write]:
    """The deletions of revisions beyond the history limit; those with a hash in `live` stay."""
    kept = {*live, found.hash}
    idle = [one for one in found.all if hash_of(one) not in kept]
    surplus = len(idle) - int(owner["spec"].get("revisionHistoryLimit", 10))
    return [Delete(CONTROLLERREVISIONS, one) for one in idle[: max(surplus, 0)]]


def template_of(owner: Obj, revision: Obj) -> Obj:
    """The pod template that a revision holds."""
    template: Obj = (revision.get("data") or {}).get("spec", {}).get("template")
    if template is None:
        return dict(owner["spec"]["template"])
    return {field: value for field, value in template.items() if field != "$patch"}


def hash_of(revision: Obj) -> str:
    return str((revision["metadata"].get("labels") or {}).get(HASH_LABEL, ""))


def _number(revision: Obj) -> int:
    return int(revision.get("revision", 0))


def _data(owner: Obj) -> Obj:
    return {"spec": {"template": {**owner["spec"]["template"], "$patch": "replace"}}}


def _new(owner: Obj, data: Obj, number: int, *, name_with_hash: bool) -> Obj:
    suffix = pod_template_hash(
        owner["spec"]["template"], (owner.get("status") or {}).get("collisionCount")
    )
    full = f"{name(owner)}-{suffix}"
    labels = (owner["spec"]["template"].get("metadata") or {}).get("labels") or {}
    return {
        "apiVersion": CONTROLLERREVISIONS.api_version,
        "kind": CONTROLLERREVISIONS.kind,
        "metadata": {
            "name": full,
            "namespace": namespace(owner),
            "labels": {**labels, HASH_LABEL: full if name_with_hash else suffix},
            "ownerReferences": [owner_reference(owner)],
        },
        "data": data,
        "revision": number,
    }
