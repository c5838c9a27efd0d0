"""Resources as plain integers: what pods ask for, what nodes have."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from labctl.api.objects import Obj
from labctl.api.quantity import milli, whole

# What a container that asks for nothing counts as, for scoring only (Kubernetes' non-zero request).
DEFAULT_CPU: Final = 100  # milli-CPU
DEFAULT_MEMORY: Final = 200 * 1024 * 1024  # bytes


@dataclass(frozen=True, slots=True)
class Amounts:
    """CPU in thousandths, memory in bytes, and other resources (extended, ephemeral storage)."""

    cpu: int = 0
    memory: int = 0
    others: tuple[tuple[str, int], ...] = ()

    @classmethod
    def of(cls, quantities: Mapping[str, Any]) -> Self:
        """From a `requests` or `allocatable` mapping; `pods` is counted elsewhere."""
        others = {
            resource: whole(quantity)
            for resource, quantity in quantities.items()
            if resource not in ("cpu", "memory", "pods")
        }
        return cls(
            milli(quantities.get("cpu", 0)),
            whole(quantities.get("memory", 0)),
            tuple(sorted(others.items())),
        )

    def __add__(self, other: "Amounts") -> "Amounts":
        return self._combined(other, 1)

    def __sub__(self, other: "Amounts") -> "Amounts":
        return self._combined(other, -1)

    def largest(self, other: "Amounts") -> "Amounts":
        """The greater of each."""
        mine, theirs = dict(self.others), dict(other.others)
        others = {k: max(mine.get(k, 0), theirs.get(k, 0)) for k in mine | theirs}
        return Amounts(
            max(self.cpu, other.cpu),
            max(self.memory, other.memory),
            tuple(sorted(others.items())),
        )

    def _combined(self, other: "Amounts", sign: int) -> "Amounts":
        others = self.others
        if other.others:
            summed = dict(others)
            for resource, amount in other.others:
                summed[resource] = summed.get(resource, 0) + sign * amount
            others = tuple(sorted(summed.items()))
        return Amounts(self.cpu + sign * other.cpu, self.memory + sign * other.memory, others)


NOTHING: Final = Amounts()


def requested(spec: Obj) -> Amounts:
    """What a pod asks for: its containers and sidecars together, or its largest init container."""
    together = NOTHING
    for container in spec.get("containers") or ():
        together += _requests(container)
    first, sidecars = NOTHING, NOTHING
    for container in spec.get("initContainers") or ():
        if container.get("restartPolicy") == "Always":
            sidecars += _requests(container)
            first = first.largest(sidecars)
        else:
            first = first.largest(sidecars + _requests(container))
    overhead = Amounts.of(spec.get("overhead") or {})
    return (together + sidecars).largest(first) + overhead


def scored(spec: Obj) -> Amounts:
    """What it counts as in scores: unset requests are taken as the defaults."""
    containers = spec.get("containers") or ()
    return Amounts(
        sum(_requests(one).cpu or DEFAULT_CPU for one in containers),
        sum(_requests(one).memory or DEFAULT_MEMORY for one in containers),
    )


def lacking(wanted: Amounts, used: Amounts, total: Amounts) -> Iterable[str]:
    """The names of the resources of which not enough is left."""
    if wanted.cpu and wanted.cpu > total.cpu - used.cpu:
        yield "cpu"
    if wanted.memory and wanted.memory > total.memory - used.memory:
        yield "memory"
    if wanted.others:
        has, taken = dict(total.others), dict(used.others)
        for resource, amount in wanted.others:
            if amount and amount > has.get(resource, 0) - taken.get(resource, 0):
                yield resource


def _requests(container: Obj) -> Amounts:
    """Requests; a limit without a request is one (API defaulting does so too)."""
    resources = container.get("resources") or {}
    return Amounts.of({**(resources.get("limits") or {}), **(resources.get("requests") or {})})
