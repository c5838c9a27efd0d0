"""A Deployment and its ReplicaSets as the small values that the planning computes with."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

from labctl.api.objects import Obj, labels, name, uid
from labctl.controllers.deployment import annotations
from labctl.controllers.share import share

HASH_LABEL = "pod-template-hash"


@dataclass(frozen=True)
class Wish:
    """What the Deployment asks for, with percentages resolved."""

    replicas: int
    max_surge: int
    max_unavailable: int
    rolling: bool = True

    @classmethod
    def of(cls, deployment: Obj) -> Self:
        spec = deployment["spec"]
        replicas = 1 if spec.get("replicas") is None else int(spec["replicas"])
        strategy = spec.get("strategy") or {}
        if strategy.get("type", "RollingUpdate") == "Recreate":
            return cls(replicas, 0, 0, rolling=False)
        limits = strategy.get("rollingUpdate") or {}
        surge = share(limits.get("maxSurge", "25%"), replicas, up=True)
        unavailable = share(limits.get("maxUnavailable", "25%"), replicas, up=False)
        if surge == 0 and unavailable == 0:
            unavailable = 1  # percentages that round to nothing must not stop every rollout
        return cls(replicas, surge, min(unavailable, replicas))

    @property
    def maximum(self) -> int:
        """How many replicas there may be in all."""
        return self.replicas + self.max_surge

    @property
    def min_available(self) -> int:
        """How many must stay available during a rolling update."""
        return self.replicas - self.max_unavailable


@dataclass(frozen=True)
class Member:
    """A ReplicaSet: how many replicas it has been told to have, and how many are there."""

    name: str
    replicas: int
    created: int = 0
    """When it was made, as a rank: 0 is the oldest of the family."""
    actual: int = 0
    ready: int = 0
    available: int = 0
    desired: int | None = None
    maximum: int | None = None
    obj: Any = None  # the ReplicaSet itself; the arithmetic never looks at it

    @property
    def surely_available(self) -> int:
        """How many of the replicas that it shall have are available: a status that is older than
        the last scaling down still counts pods that are about to go.
        """
        return min(self.available, self.replicas)


@dataclass(frozen=True)
class Family:
    """The ReplicaSet of the present template, if there is one yet, and all others."""

    new: Member | None
    old: tuple[Member, ...]

    @property
    def all(self) -> tuple[Member, ...]:
        return self.old if self.new is None else (*self.old, self.new)

    @property
    def active(self) -> tuple[Member, ...]:
        return tuple(one for one in self.all if one.replicas > 0)

    @property
    def active_old(self) -> tuple[Member, ...]:
        """Oldest first."""
        return tuple(sorted((one for one in self.old if one.replicas), key=lambda m: m.created))


@dataclass(frozen=True)
class Scale:
    """Tell this ReplicaSet to have that many replicas."""

    member: Member
    replicas: int


def sort_out(deployment: Obj, replicasets: Iterable[Obj]) -> Family:
    """The Deployment's family; of several with the present template the oldest is the new one."""
    by_age = sorted(replicasets, key=lambda rs: (rs["metadata"]["creationTimestamp"], name(rs)))
    wanted = without_hash(deployment["spec"]["template"])
    members = [member(one, rank) for rank, one in enumerate(by_age)]
    new = next((m for m in members if without_hash(m.obj["spec"]["template"]) == wanted), None)
    old = tuple(m for m in members if new is None or uid(m.obj) != uid(new.obj))
    return Family(new, old)


def member(replicaset: Obj, created: int = 0) -> Member:
    spec, status = replicaset["spec"], replicaset.get("status") or {}
    return Member(
        name=name(replicaset),
        replicas=1 if spec.get("replicas") is None else int(spec["replicas"]),
        created=created,
        actual=status.get("replicas", 0),
        ready=status.get("readyReplicas", 0),
        available=status.get("availableReplicas", 0),
        desired=annotations.number(replicaset, annotations.DESIRED),
        maximum=annotations.number(replicaset, annotations.MAXIMUM),
        obj=replicaset,
    )


def without_hash(template: Obj) -> Obj:
    """A pod template without the label that tells templates apart."""
    if HASH_LABEL not in labels(template):
        return template
    kept = {k: v for k, v in labels(template).items() if k != HASH_LABEL}
    return {**template, "metadata": {**template["metadata"], "labels": kept}}


def total(members: Iterable[Member]) -> int:
    """How many replicas they have been told to have."""
    return sum(one.replicas for one in members)


def round_half_away(value: float) -> int:
    """Rounds as Go's math.Round does; Python's rounds halves to even."""
    return math.floor(abs(value) + 0.5) * (1 if value >= 0 else -1)
