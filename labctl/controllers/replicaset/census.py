"""How many pods of each sort a ReplicaSet has, counted with every event and not with every pass.

A status asks few things of a pod, so that the thousand pods of a set are of a handful of sorts: a
pass costs the same however many there are.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from labctl.api.objects import Obj, condition, controller_of, labels, parse_time
from labctl.client.cache import Cache
from labctl.controllers.pods import is_active


class Sort(NamedTuple):
    """All that a pass wants to know of a pod; `since` is when it became ready, as its status says."""

    active: bool
    ready: bool
    since: str
    labels: frozenset[tuple[str, str]]

    @property
    def ready_since(self) -> float | None:
        return parse_time(self.since) if self.ready and self.since else None

    def is_available(self, min_ready_seconds: int, now: float) -> bool:
        """Ready for at least `min_ready_seconds`."""
        if not min_ready_seconds:
            return self.ready
        since = self.ready_since
        return since is not None and since + min_ready_seconds <= now


Census = Mapping[Sort, int]


def sort_of(pod: Obj) -> Sort:
    ready = condition(pod, "Ready")
    if ready is None or ready.get("status") != "True":
        return Sort(is_active(pod), ready=False, since="", labels=_labels(pod))
    since = ready.get("lastTransitionTime", "")
    return Sort(is_active(pod), ready=True, since=since, labels=_labels(pod))


def census_of(pods: Iterable[Obj]) -> Census:
    return Counter(map(sort_of, pods))


def _labels(pod: Obj) -> frozenset[tuple[str, str]]:
    return frozenset(labels(pod).items())


class Censuses:
    """The census of every owner of pods in a cache."""

    def __init__(self, pods: Cache) -> None:
        self._counts: dict[str, Counter[Sort]] = {}
        pods.subscribe(self._change)

    def of(self, owner_uid: str) -> Census:
        """Of the pods whose controller has that UID, as of now."""
        return dict(self._counts.get(owner_uid, {}))

    def _change(self, old: Obj | None, new: Obj | None) -> None:
        for pod, one in ((new, 1), (old, -1)):
            owner = controller_of(pod) if pod is not None else None
            if pod is not None and owner is not None:
                self._add(owner["uid"], sort_of(pod), one)

    def _add(self, owner_uid: str, sort: Sort, count: int) -> None:
        counts = self._counts.setdefault(owner_uid, Counter())
        counts[sort] += count
        if not counts[sort]:
            del counts[sort]
            if not counts:
                del self._counts[owner_uid]
