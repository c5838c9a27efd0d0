"""A budget's status, from its pods and from how many there should be (pure)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from labctl.api.disruption import with_permission
from labctl.api.objects import Obj, is_deleting, name, parse_time
from labctl.controllers.pods import is_ready

DELETION_SECONDS: Final = 120.0
"""How long a pod whose eviction was allowed counts as gone although nobody deletes it."""


@dataclass(frozen=True)
class Counts:
    """Pods that there should be, that must be healthy, and that are."""

    expected: int
    desired: int
    healthy: int

    @property
    def allowed(self) -> int:
        """Without pods none: the first may come before anybody looks again."""
        return max(self.healthy - self.desired, 0) if self.expected > 0 else 0


def counts_scale(budget: Obj) -> bool:
    """Whether the budget is a share of what its pods' controllers ask for."""
    spec = budget.get("spec") or {}
    return "maxUnavailable" in spec or isinstance(spec.get("minAvailable"), str)


def count(budget: Obj, pods: Iterable[Obj], scale: int, gone: Iterable[str]) -> Counts:
    """`scale` is how many pods their controllers ask for; `gone` are names as good as deleted."""
    spec, selected, absent = budget.get("spec") or {}, list(pods), set(gone)
    healthy = sum(
        is_ready(pod) and not is_deleting(pod) and name(pod) not in absent for pod in selected
    )
    if "maxUnavailable" in spec:
        desired = max(scale - share(spec["maxUnavailable"], scale), 0)
        return Counts(scale, desired, healthy)
    wanted = spec.get("minAvailable")
    if isinstance(wanted, str):
        return Counts(scale, share(wanted, scale), healthy)
    return Counts(0 if wanted is None else len(selected), wanted or 0, healthy)


def share(amount: int | str, whole: int) -> int:
    """A count, or a percentage of the whole, rounded up."""
    if isinstance(amount, int):
        return amount
    return -(-whole * int(amount.removesuffix("%")) // 100)


def still_disrupted(budget: Obj, pods: Iterable[Obj], now: float) -> Mapping[str, str]:
    """Of the pods whose eviction was allowed those that are still waited for, with the time."""
    told = (budget.get("status") or {}).get("disruptedPods") or {}
    present = {name(pod) for pod in pods if not is_deleting(pod)}
    return {
        pod: since
        for pod, since in told.items()
        if pod in present and now < parse_time(since) + DELETION_SECONDS
    }


def next_look(disrupted: Mapping[str, str], now: float) -> float | None:
    """Seconds until the first of them was waited for in vain; None if there is none."""
    ends = (parse_time(since) + DELETION_SECONDS - now for since in disrupted.values())
    return min(ends, default=None)


def status_of(budget: Obj, counts: Counts, disrupted: Mapping[str, str]) -> Obj:
    """The status to write; the old one itself, in meaning, if nothing changed."""
    generation = budget["metadata"].get("generation", 0)
    status: Obj = {
        "currentHealthy": counts.healthy,
        "desiredHealthy": counts.desired,
        "expectedPods": counts.expected,
        "disruptionsAllowed": counts.allowed,
        "observedGeneration": generation,
        "conditions": (budget.get("status") or {}).get("conditions") or [],
    }
    if disrupted:
        status["disruptedPods"] = dict(disrupted)
    return with_permission(status, generation)
