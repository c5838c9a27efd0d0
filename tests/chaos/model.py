"""What must hold at every revision of the log: pure functions of it, a sentence for each breach.

A log is of Pods, ReplicaSets and Deployments, in the order of revisions. What is said of rollouts:

- Surge: a write that raises a ReplicaSet's replicas leaves their sum over its Deployment at most
  replicas + maxSurge.
- Unavailability: a write that lowers a ReplicaSet's replicas, and is no scaling, leaves at least
  replicas - maxUnavailable pods available of those that ReplicaSets still want; or as many as were,
  if a fault had left fewer.
- A pod is made only for a ReplicaSet that wants more than it has.

A controller may act on what it saw before the newest writes: of replicas those of any generation
that it has not yet observed count, and of availability the best of a few statuses.
"""

from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from labctl.api.objects import Obj, name, uid

_LAG = 3  # statuses of a ReplicaSet that its Deployment's controller may be behind
_DESIRED = "deployment.kubernetes.io/desired-replicas"


class Change(NamedTuple):
    """A line of a watch; `type` is ADDED, MODIFIED or DELETED."""

    type: str
    kind: str
    object: Obj


Log = Sequence[Change]


def breaches(log: Log) -> list[str]:
    """All that is wrong with a log."""
    checks = (revisions, returns, moves, addresses, rollouts)
    return [wrong for check in checks for wrong in check(log)]


def revision(obj: Obj) -> int:
    return int(obj["metadata"]["resourceVersion"])


def revisions(log: Log) -> Iterator[str]:
    """They rise; in the order in which a watch told of them."""
    last: dict[str, int] = defaultdict(int)
    for _, kind, obj in log:
        if revision(obj) <= last[kind]:
            yield f"{kind} {name(obj)}: revision {revision(obj)} after {last[kind]}"
        last[kind] = revision(obj)


def returns(log: Log) -> Iterator[str]:
    """What was deleted does not come back."""
    gone: set[str] = set()
    for what, kind, obj in log:
        if uid(obj) in gone:
            yield f"{kind} {name(obj)} was deleted, and is {what} at {revision(obj)}"
        if what == "DELETED":
            gone.add(uid(obj))


def moves(log: Log) -> Iterator[str]:
    """A pod that has a node keeps it."""
    at: dict[str, str] = {}
    for _, kind, obj in log:
        if kind == "Pod":
            node = obj["spec"].get("nodeName", "")
            if (before := at.setdefault(uid(obj), node)) != node and before:
                yield f"pod {name(obj)} went from {before} to {node or 'no node'}"
            at[uid(obj)] = node


def addresses(log: Log) -> Iterator[str]:
    """No two pods that live have the same."""
    holders: dict[str, str] = {}
    has: dict[str, str] = {}
    for what, kind, obj in log:
        if kind != "Pod" or obj["spec"].get("hostNetwork"):
            continue
        address = _address(obj) if what != "DELETED" else ""
        if (before := has.get(uid(obj), "")) != address:
            if holders.get(before) == uid(obj):
                del holders[before]
            if address and (other := holders.setdefault(address, uid(obj))) != uid(obj):
                yield f"{address} of {name(obj)} is also that of {other}, at {revision(obj)}"
        has[uid(obj)] = address


def _address(pod: Obj) -> str:
    status = pod.get("status", {})
    return "" if status.get("phase") in ("Succeeded", "Failed") else status.get("podIP", "")


def rollouts(log: Log) -> Iterator[str]:
    """Surge and unavailability, and pods that nobody wanted."""
    state = _Rollouts()
    for change in log:
        yield from state.judge(change)


class _Rollouts:
    """Deployments, ReplicaSets and their living pods, as of a revision."""

    def __init__(self) -> None:
        self.specs: dict[str, list[Obj]] = defaultdict(list)  # all versions, by uid
        self.sets: dict[str, Obj] = {}
        self.available: dict[str, deque[int]] = defaultdict(lambda: deque(maxlen=_LAG))
        self.pods: dict[str, set[str]] = defaultdict(set)

    def judge(self, change: Change) -> Iterator[str]:
        what, kind, obj = change
        if kind == "Pod":
            yield from self._pod(what, obj)
        elif kind == "ReplicaSet":
            yield from self._set(obj)
        if kind != "Pod" and what != "DELETED":
            self.specs[uid(obj)].append(obj)
        if kind == "ReplicaSet":
            self._take(what, obj)

    def _pod(self, what: str, pod: Obj) -> Iterator[str]:
        owner, own = _owner(pod), self.pods[_owner(pod)]
        ended = pod.get("status", {}).get("phase") in ("Succeeded", "Failed")
        if what == "DELETED" or ended or "deletionTimestamp" in pod["metadata"]:
            own.discard(uid(pod))
            return
        own.add(uid(pod))
        if what == "ADDED" and owner in self.sets:
            wanted = max(self._replicas(owner))
            if len(own) > wanted:
                yield f"pod {name(pod)} is one of {len(own)}, not {wanted}, at {revision(pod)}"

    def _set(self, obj: Obj) -> Iterator[str]:
        before, owner = self.sets.get(uid(obj)), _owner(obj)
        had, has = (before["spec"]["replicas"] if before else 0), obj["spec"]["replicas"]
        if had == has or owner not in self.specs:
            return
        after = {key: _wants(one) for key, one in self.sets.items() if _owner(one) == owner}
        after[uid(obj)] = has
        rule = self.specs[owner][-1]["spec"]["strategy"].get("rollingUpdate", {})
        most = max(self._replicas(owner)) + rule.get("maxSurge", 0)
        if has > had and sum(after.values()) > most:
            yield f"{name(obj)}: {sum(after.values())} replicas, not {most}, at {revision(obj)}"
        if has < had and before and _desired(before) == _desired(obj):
            least = min(self._replicas(owner)) - rule.get("maxUnavailable", 0)
            yield from self._availability(obj, {**after, uid(obj): had}, after, least)

    def _availability(
        self, obj: Obj, before: dict[str, int], after: dict[str, int], least: int
    ) -> Iterator[str]:
        had, has = self._up(before), self._up(after)
        if has < min(had, least):
            yield f"{name(obj)}: leaves {has} available, not {least}, at {revision(obj)}"

    def _up(self, wanted: dict[str, int]) -> int:
        """How many pods are available, of so many that are wanted of each ReplicaSet."""
        best = {key: max(self.available[key], default=0) for key in wanted}
        return sum(min(best[key], number) for key, number in wanted.items())

    def _replicas(self, owner: str) -> list[int]:
        """What a controller may believe is wanted."""
        versions = self.specs[owner]
        seen = versions[-1].get("status", {}).get("observedGeneration", 0)
        fresh = [one for one in versions if one["metadata"]["generation"] >= seen]
        return [one["spec"]["replicas"] for one in fresh]

    def _take(self, what: str, obj: Obj) -> None:
        self.sets[uid(obj)] = obj
        self.available[uid(obj)].append(obj.get("status", {}).get("availableReplicas", 0))
        if what == "DELETED":
            del self.sets[uid(obj)]


def _wants(replica_set: Obj) -> int:
    return int(replica_set["spec"]["replicas"])


def _desired(replica_set: Obj) -> str | None:
    """By which a write that scales differs from one that rolls."""
    told: str | None = (replica_set["metadata"].get("annotations") or {}).get(_DESIRED)
    return told


def _owner(obj: Obj) -> str:
    owners = obj["metadata"].get("ownerReferences") or ()
    return next((str(one["uid"]) for one in owners if one.get("controller")), "")
