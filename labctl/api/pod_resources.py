"""What a pod asks for as a whole: its containers together, or the largest of what runs before them.

As k8s.io/component-helpers/resource: sidecars run beside everything that is started after them.
"""

from collections.abc import Mapping

from labctl.api.objects import Obj
from labctl.api.quantity import Quantity

Amounts = dict[str, Quantity]


def pod_amounts(spec: Obj, member: str) -> Amounts:
    """The sum of `requests` or `limits` by resource; overhead counts where there is anything."""
    together: Amounts = {}
    for container in spec.get("containers") or ():
        together = add(together, container_amounts(container, member))
    first, sidecars = _before(spec, member)
    whole = largest(add(together, sidecars), first)
    overhead = {name: Quantity.of(text) for name, text in (spec.get("overhead") or {}).items()}
    if member == "limits":
        overhead = {
            name: overhead[name] for name in overhead if name in whole and whole[name].value
        }
    return add(whole, overhead)


def _before(spec: Obj, member: str) -> tuple[Amounts, Amounts]:
    """The most that init containers hold at any time, and what sidecars hold for ever."""
    first: Amounts = {}
    sidecars: Amounts = {}
    for container in spec.get("initContainers") or ():
        own = container_amounts(container, member)
        if container.get("restartPolicy") == "Always":
            sidecars = add(sidecars, own)
            first = largest(first, sidecars)
        else:
            first = largest(first, add(sidecars, own))
    return first, sidecars


def container_amounts(container: Obj, member: str) -> Amounts:
    """A container's `requests` or `limits`."""
    given = (container.get("resources") or {}).get(member) or {}
    return {name: Quantity.of(text) for name, text in given.items()}


def add(some: Mapping[str, Quantity], more: Mapping[str, Quantity]) -> Amounts:
    summed = dict(some)
    for name, amount in more.items():
        summed[name] = summed[name] + amount if name in summed else amount
    return summed


def largest(some: Mapping[str, Quantity], more: Mapping[str, Quantity]) -> Amounts:
    found = dict(some)
    for name, amount in more.items():
        if name not in found or amount.value > found[name].value:
            found[name] = amount
    return found
