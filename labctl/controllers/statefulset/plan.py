"""One pass over a StatefulSet: what is made, ended, and how it stands.

Kubernetes' stateful_set_control.go, updateStatefulSet. From the lowest ordinal up: what is missing is
made, what has failed is made anew. Then from the highest down: what is too many is ended, and last
what is of an old template. OrderedReady takes one step, and the next only once all before it is
running and ready; Parallel does not wait, except in a rolling update.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from labctl.api.objects import Obj, is_deleting, labels
from labctl.controllers.pods import is_available, is_finished, is_ready, phase
from labctl.controllers.revisions import HASH_LABEL, History, hash_of
from labctl.controllers.statefulset.identity import new_pod, ordinal


@dataclass(frozen=True)
class Plan:
    """What one pass decided."""

    status: Obj
    create: tuple[Obj, ...] = ()
    delete: tuple[Obj, ...] = ()


@dataclass(frozen=True)
class _View:
    """A StatefulSet with its pods by ordinal; `current` is the revision that it comes from."""

    statefulset: Obj
    update: Obj
    current: Obj
    pods: dict[int, Obj]
    now: float

    @property
    def ordinals(self) -> range:
        spec = self.statefulset["spec"]
        start = (spec.get("ordinals") or {}).get("start", 0)
        replicas = spec.get("replicas")
        return range(start, start + (1 if replicas is None else replicas))

    @property
    def ordered(self) -> bool:
        policy = self.statefulset["spec"].get("podManagementPolicy", "OrderedReady")
        return bool(policy == "OrderedReady")

    @property
    def condemned(self) -> list[Obj]:
        """Pods beyond the wanted ordinals, the highest first."""
        return [self.pods[n] for n in sorted(self.pods, reverse=True) if n not in self.ordinals]

    def is_healthy(self, pod: Obj | None) -> bool:
        if pod is None or is_deleting(pod):
            return False
        return phase(pod) == "Running" and is_ready(pod)

    def is_available(self, pod: Obj) -> bool:
        return is_available(pod, self.statefulset["spec"].get("minReadySeconds", 0), self.now)

    def revision_for(self, number: int) -> Obj:
        """Pods below the partition keep the old one."""
        return self.current if number < self.ordinals.start + self.partition else self.update

    @property
    def rolls(self) -> bool:
        strategy = self.statefulset["spec"].get("updateStrategy") or {}
        return bool(strategy.get("type", "RollingUpdate") == "RollingUpdate")

    @property
    def partition(self) -> int:
        """How many of the lowest pods a rolling update leaves alone."""
        strategy = self.statefulset["spec"].get("updateStrategy") or {}
        return (strategy.get("rollingUpdate") or {}).get("partition") or 0 if self.rolls else 0


def plan(statefulset: Obj, known: History, pods: Iterable[Obj], now: float) -> Plan:
    """`pods` are its own; `now` in epoch seconds."""
    view = _view(statefulset, known, pods, now)
    if is_deleting(statefulset):
        return Plan(_status(view))
    create, delete, settled = _fill(view)
    if settled:
        more, settled = _shrink(view)
        delete += more
    if settled and not create and not delete:
        delete = _roll(view)
    return Plan(_status(view), tuple(create), tuple(delete))


def _view(statefulset: Obj, known: History, pods: Iterable[Obj], now: float) -> _View:
    wanted = (statefulset.get("status") or {}).get("currentRevision", "")
    current = known.with_hash(wanted) or known.present
    by_ordinal = {ordinal(statefulset, pod): pod for pod in pods}
    by_ordinal.pop(-1, None)
    return _View(statefulset, known.present, current, by_ordinal, now)


def _fill(view: _View) -> tuple[list[Obj], list[Obj], bool]:
    """What is missing or has ended; whether all that is wanted stands well enough to go on."""
    create: list[Obj] = []
    delete: list[Obj] = []
    for number in view.ordinals:
        pod = view.pods.get(number)
        if pod is None:
            create.append(new_pod(view.statefulset, view.revision_for(number), number))
        elif is_finished(pod) and not is_deleting(pod):
            delete.append(pod)
        elif not view.ordered or (view.is_healthy(pod) and view.is_available(pod)):
            continue
        if view.ordered:
            return create, delete, False
    return create, delete, True


def _shrink(view: _View) -> tuple[list[Obj], bool]:
    """The pods that are too many; whether there is nothing of that kind left to wait for."""
    condemned = view.condemned
    if not view.ordered:
        return [pod for pod in condemned if not is_deleting(pod)], not condemned
    if not condemned:
        return [], True
    return ([] if is_deleting(condemned[0]) else [condemned[0]]), False


def _roll(view: _View) -> list[Obj]:
    """The highest pod of an old template, once all above it are well."""
    if not view.rolls:
        return []
    for number in reversed(view.ordinals[view.partition :]):
        pod = view.pods[number]
        if labels(pod).get(HASH_LABEL) != hash_of(view.update):
            return [] if is_deleting(pod) else [pod]
        if not view.is_healthy(pod):
            break
    return []


def _status(view: _View) -> Obj:
    old = view.statefulset.get("status") or {}
    pods = [pod for pod in view.pods.values() if not is_deleting(pod)]
    update, current = hash_of(view.update), hash_of(view.current)
    status = {
        "replicas": len(view.pods),
        "readyReplicas": sum(map(view.is_healthy, pods)),
        "availableReplicas": sum(view.is_healthy(p) and view.is_available(p) for p in pods),
        "currentReplicas": sum(labels(pod).get(HASH_LABEL) == current for pod in pods),
        "updatedReplicas": sum(labels(pod).get(HASH_LABEL) == update for pod in pods),
        "currentRevision": current,
        "updateRevision": update,
        "observedGeneration": view.statefulset["metadata"].get("generation", 0),
        "collisionCount": old.get("collisionCount", 0),
    }
    return _completed(view, status)


def _completed(view: _View, status: Obj) -> Obj:
    """A rolling update is over when every pod is of the new revision: that is then the current."""
    done = status["updatedReplicas"] == status["replicas"] == status["readyReplicas"]
    if not view.rolls or not done:
        return status
    over = {
        "currentRevision": status["updateRevision"],
        "currentReplicas": status["updatedReplicas"],
    }
    return {**status, **over}
