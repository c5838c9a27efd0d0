"""When a quota refuses an object, in Kubernetes' words."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from labctl.api.kinds.core import PODS
from labctl.api.objects import Obj, name
from labctl.api.pod_resources import add, container_amounts
from labctl.api.quantity import Quantity
from labctl.api.quota.scopes import concerns
from labctl.api.quota.usage import Usage, limited, requested, usage_of
from labctl.api.resource import Resource

_EXPLICIT = frozenset(
    ("cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory")
)
"""What every container has to state where a quota limits it."""


@dataclass(frozen=True, slots=True)
class Charge:
    """An object about to be written, and what it will count as more than what it replaces."""

    resource: Resource
    obj: Obj
    usage: Usage = field(default_factory=dict)

    @classmethod
    def of(cls, resource: Resource, obj: Obj, old: Obj | None = None) -> "Charge":
        usage = usage_of(resource, obj)
        before = usage_of(resource, old) if old is not None else {}
        more = {key: usage[key] - before[key] if key in before else usage[key] for key in usage}
        return cls(resource, obj, {key: amount for key, amount in more.items() if amount.value > 0})


def apply(quota: Obj, charge: Charge) -> Mapping[str, Quantity]:
    """The part of a charge that the quota limits; nothing if the quota is not about it."""
    if not concerns(quota, charge.resource, charge.obj):
        return {}
    return {key: amount for key, amount in charge.usage.items() if key in hard(quota)}


def used_by(quota: Obj, resource: Resource, objs: Iterable[tuple[Obj, Usage]]) -> Usage:
    """What objects of a kind use of the quota; each comes with its usage."""
    limits, used = hard(quota), Usage()
    for obj, usage in objs:
        if concerns(quota, resource, obj):
            used = add(used, {key: amount for key, amount in usage.items() if key in limits})
    return used


def hard(quota: Obj) -> Obj:
    return (quota.get("spec") or {}).get("hard") or {}


def unstated(quota: Obj, charge: Charge) -> str:
    """What the containers of a new pod fail to state although the quota limits it, or ""."""
    if charge.resource is not PODS or not concerns(quota, charge.resource, charge.obj):
        return ""
    wanted = _EXPLICIT.intersection(hard(quota))
    missing: dict[str, set[str]] = {}
    for container in _containers(charge.obj["spec"]):
        for key in wanted.difference(_stated(container)):
            missing.setdefault(key, set()).add(container["name"])
    if not missing:
        return ""
    what = "; ".join(f"{key} for: {','.join(sorted(missing[key]))}" for key in sorted(missing))
    return f"failed quota: {name(quota)}: must specify {what}"


def refusal(quota: Obj, charge: Charge, used: Mapping[str, Quantity]) -> str:
    """Why the quota does not take a charge beside what is used, or ""."""
    wanted, limits = apply(quota, charge), hard(quota)
    zero = Quantity()
    exceeded = sorted(
        key
        for key, amount in wanted.items()
        if (used.get(key, zero) + amount).value > Quantity.of(limits[key]).value
    )
    if not exceeded:
        return ""
    return (
        f"exceeded quota: {name(quota)}, "
        f"requested: {_listed(exceeded, wanted)}, used: {_listed(exceeded, used)}, "
        f"limited: {_listed(exceeded, {key: Quantity.of(limits[key]) for key in exceeded})}"
    )


def _listed(keys: Iterable[str], amounts: Mapping[str, Quantity]) -> str:
    return ",".join(f"{key}={amounts.get(key, Quantity())}" for key in keys)


def _containers(spec: Obj) -> Iterator[Obj]:
    yield from spec.get("containers") or ()
    yield from spec.get("initContainers") or ()


def _stated(container: Obj) -> Usage:
    stated = Usage()
    for key, amount in container_amounts(container, "requests").items():
        stated |= requested(key, amount)
    for key, amount in container_amounts(container, "limits").items():
        stated |= limited(key, amount)
    return stated
