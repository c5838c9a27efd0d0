"""One pass over a Deployment: from its family and the time to what is to be written.

The order of questions is Kubernetes' (deployment_controller.go, syncDeployment): being deleted?
paused or resized? else the strategy's next step. A pass takes one step; the change that it makes
brings the next pass.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from labctl.api.hash import pod_template_hash
from labctl.api.objects import Obj, is_deleting, labels, name, namespace, owner_reference
from labctl.controllers.deployment import annotations, recreate, rolling, scaling, status
from labctl.controllers.deployment.family import (
    HASH_LABEL,
    Family,
    Member,
    Scale,
    Wish,
    sort_out,
    without_hash,
)


@dataclass(frozen=True)
class Change:
    """What to alter on a ReplicaSet; `replicas` None leaves its size."""

    member: Member
    replicas: int | None = None
    annotations: dict[str, str] = field(default_factory=dict)
    min_ready_seconds: int | None = None

    @property
    def patch(self) -> Obj:
        """As a merge patch that holds only for the ReplicaSet as it was seen."""
        spec: Obj = {}
        if self.replicas is not None:
            spec["replicas"] = self.replicas
        if self.min_ready_seconds is not None:
            spec["minReadySeconds"] = self.min_ready_seconds
        metadata: Obj = {"resourceVersion": self.member.obj["metadata"]["resourceVersion"]}
        if self.annotations:
            metadata["annotations"] = self.annotations
        return {"metadata": metadata, "spec": spec}


@dataclass(frozen=True)
class Plan:
    """What one pass decided."""

    status: Obj
    create: Obj | None = None
    changes: tuple[Change, ...] = ()
    delete: tuple[Obj, ...] = ()
    revision: str = ""
    """What the Deployment's revision annotation shall be; "" leaves it."""
    look_again: float | None = None


def plan(deployment: Obj, replicasets: Iterable[Obj], *, old_pods_run: bool, now: float) -> Plan:
    """`old_pods_run`: pods of former templates are still there (Recreate waits for their end);
    `now` in epoch seconds.
    """
    wish = Wish.of(deployment)
    family = sort_out(deployment, replicasets)
    if is_deleting(deployment):
        return Plan(status.counts(deployment, wish, family, now))
    noted = _noted(deployment, family, now)
    paused = status.is_paused(deployment)
    if paused or scaling.is_scaling_event(wish, family):
        return _resize(noted, wish, family, now)
    if family.new is None and (wish.rolling or _may_start(family, old_pods_run=old_pods_run)):
        return _begin(noted, wish, family, now)
    scales = _strategy(wish, family, old_pods_run=old_pods_run)
    return _continue(noted, wish, family, scales, now)


def _noted(deployment: Obj, family: Family, now: float) -> Obj:
    """The Deployment with what the look itself tells: paused, resumed, ReplicaSet found."""
    conditions = status.paused_or_resumed(deployment, now)
    unknown = status.find(conditions, status.PROGRESSING) is None
    if unknown and family.new is not None and status.has_deadline(deployment):
        subject = f'"{family.new.name}"'
        conditions = status.put(conditions, status.progress("FoundNewReplicaSet", subject, now))
    old = deployment.get("status") or {}
    if conditions == (old.get("conditions") or []):
        return deployment
    return {**deployment, "status": {**old, "conditions": conditions}}


def _resize(deployment: Obj, wish: Wish, family: Family, now: float) -> Plan:
    excess = history_excess(deployment, family) if status.is_paused(deployment) else ()
    return Plan(
        status.counts(deployment, wish, family, now),
        changes=changes(deployment, wish, family, scaling.scale(wish, family)),
        delete=excess,
        revision=_revision(deployment, family),
    )


def _begin(deployment: Obj, wish: Wish, family: Family, now: float) -> Plan:
    """There is no ReplicaSet for the template yet: make it, as big as the strategy allows."""
    created = new_replicaset(deployment, wish, family)
    result = status.rollout(deployment, wish, family, now)
    if status.has_deadline(deployment):
        subject = f'"{name(created)}"'
        told = status.progress("NewReplicaSetCreated", subject, now)
        result = {**result, "conditions": status.put(result["conditions"], told)}
    return Plan(
        result,
        create=created,
        revision=str(annotations.revision(created)),
        look_again=status.next_look(deployment, wish, result, now),
    )


def _continue(
    deployment: Obj, wish: Wish, family: Family, scales: tuple[Scale, ...], now: float
) -> Plan:
    result = status.rollout(deployment, wish, family, now)
    done = not scales and status.is_complete(deployment, wish, result)
    return Plan(
        result,
        changes=changes(deployment, wish, family, scales),
        delete=history_excess(deployment, family) if done else (),
        revision=_revision(deployment, family),
        look_again=status.next_look(deployment, wish, result, now),
    )


def _strategy(wish: Wish, family: Family, *, old_pods_run: bool) -> tuple[Scale, ...]:
    if wish.rolling:
        return rolling.step(wish, family)
    if not _may_start(family, old_pods_run=old_pods_run):
        return recreate.stop_old(family)
    return recreate.start_new(wish, family)


def _may_start(family: Family, *, old_pods_run: bool) -> bool:
    """Recreate: whether nothing of the old is left, asked for or still there."""
    return not old_pods_run and not any(one.replicas or one.actual for one in family.old)


def new_replicaset(deployment: Obj, wish: Wish, family: Family) -> Obj:
    """The ReplicaSet for the Deployment's present template."""
    spec = deployment["spec"]
    collisions = (deployment.get("status") or {}).get("collisionCount")
    digest = pod_template_hash(spec["template"], collisions)
    template = spec["template"]
    marked = {**labels(template), HASH_LABEL: digest}
    selector = spec["selector"]
    notes = {
        **annotations.copied(deployment),
        **annotations.sizes(wish.replicas, wish.maximum),
        annotations.REVISION: str(annotations.next_revision(one.obj for one in family.old)),
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": f"{name(deployment)}-{digest}",
            "namespace": namespace(deployment),
            "labels": marked,
            "annotations": notes,
            "ownerReferences": [owner_reference(deployment)],
        },
        "spec": {
            "replicas": rolling.new_size(wish, family, 0),
            "minReadySeconds": spec.get("minReadySeconds", 0),
            "selector": {
                **selector,
                "matchLabels": {**(selector.get("matchLabels") or {}), HASH_LABEL: digest},
            },
            "template": {
                **template,
                "metadata": {**(template.get("metadata") or {}), "labels": marked},
            },
        },
    }


def changes(
    deployment: Obj, wish: Wish, family: Family, scales: Iterable[Scale]
) -> tuple[Change, ...]:
    """The scalings, and what the new ReplicaSet must know, as one change a ReplicaSet."""
    sizes = {scale.member.name: scale.replicas for scale in scales}
    found = (_change(deployment, wish, family, one, sizes.get(one.name)) for one in family.all)
    return tuple(one for one in found if one is not None)


def _change(
    deployment: Obj, wish: Wish, family: Family, one: Member, size: int | None
) -> Change | None:
    notes: dict[str, str] = {}
    min_ready: int | None = None
    if one is family.new:
        number = annotations.next_revision(old.obj for old in family.old)
        notes |= annotations.refreshed(deployment, one.obj, number)
        wanted = deployment["spec"].get("minReadySeconds", 0)
        min_ready = wanted if wanted != one.obj["spec"].get("minReadySeconds", 0) else None
    if size is not None and (one.desired, one.maximum) != (wish.replicas, wish.maximum):
        notes |= annotations.sizes(wish.replicas, wish.maximum)
    if size == one.replicas:
        size = None
    if size is None and not notes and min_ready is None:
        return None
    return Change(one, size, notes, min_ready)


def history_excess(deployment: Obj, family: Family) -> tuple[Obj, ...]:
    """Old ReplicaSets beyond revisionHistoryLimit, lowest revision first, if they are empty."""
    limit = deployment["spec"].get("revisionHistoryLimit")
    kept = [one for one in family.old if not is_deleting(one.obj)]
    if limit is None or len(kept) <= limit:
        return ()
    by_revision = sorted(kept, key=lambda one: annotations.revision(one.obj))
    return tuple(one.obj for one in by_revision[: len(kept) - limit] if _is_spent(one))


def _is_spent(one: Member) -> bool:
    seen = (one.obj.get("status") or {}).get("observedGeneration", 0)
    generation = one.obj["metadata"].get("generation", 0)
    return one.replicas == 0 and one.actual == 0 and generation <= seen


def _revision(deployment: Obj, family: Family) -> str:
    """The new ReplicaSet's revision, if the Deployment does not show it yet."""
    if family.new is None:
        return ""
    number = max(
        annotations.revision(family.new.obj),
        annotations.next_revision(one.obj for one in family.old),
    )
    return "" if annotations.revision(deployment) == number else str(number)


def is_same(deployment: Obj, replicaset: Obj) -> bool:
    """Whether the ReplicaSet carries the Deployment's present template."""
    present = without_hash(deployment["spec"]["template"])
    return bool(without_hash(replicaset["spec"]["template"]) == present)
