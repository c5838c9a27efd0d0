"""What a LimitRange gives to containers and forbids to them, as Kubernetes' LimitRanger (pure)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from labctl.api.kinds.core import PODS
from labctl.api.objects import Obj, annotations
from labctl.api.pod_resources import Amounts, container_amounts, pod_amounts
from labctl.api.quantity import Quantity
from labctl.api.resource import Resource

_ANNOTATION = "kubernetes.io/limit-ranger"
_GROUPS = (("containers", "container"), ("initContainers", "init container"))


def with_defaults(pod: Obj, limit_range: Obj) -> Obj:
    """The pod with the requests and limits that its containers do not state, noted on it."""
    limits, requests = _defaults(limit_range, "default"), _defaults(limit_range, "defaultRequest")
    if not limits and not requests:
        return pod
    spec, notes = dict(pod["spec"]), list[str]()
    for member, what in _GROUPS:
        if spec.get(member):
            spec[member] = [_completed(one, limits, requests, what, notes) for one in spec[member]]
    if not notes:
        return pod
    told = annotations(pod) | {_ANNOTATION: "LimitRanger plugin set: " + "; ".join(notes)}
    return {**pod, "metadata": {**pod["metadata"], "annotations": told}, "spec": spec}


def _defaults(limit_range: Obj, member: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for limit in _limits(limit_range):
        if limit.get("type") == "Container":
            found |= limit.get(member) or {}
    return found


def _completed(
    container: Obj,
    limits: Mapping[str, str],
    requests: Mapping[str, str],
    what: str,
    notes: list[str],
) -> Obj:
    resources = dict(container.get("resources") or {})
    for member, word, given in (("requests", "request", requests), ("limits", "limit", limits)):
        own = resources.get(member) or {}
        added = sorted(given.keys() - own.keys())
        if added:
            resources[member] = {**own, **{name: given[name] for name in added}}
            notes.append(f"{', '.join(added)} {word} for {what} {container['name']}")
    return {**container, "resources": resources}


def problems(resource: Resource, obj: Obj, limit_range: Obj) -> Iterator[str]:
    """Everything in which a new pod or claim is beyond the bounds."""
    for limit in _limits(limit_range):
        kind = limit.get("type", "")
        for amounts in _asked(resource, obj, kind):
            yield from _compared(limit, kind, amounts)


def _limits(limit_range: Obj) -> list[Obj]:
    return (limit_range.get("spec") or {}).get("limits") or []


@dataclass(frozen=True, slots=True)
class _Asked:
    """What one container, a pod as a whole, or a claim asks for; a claim has no limits."""

    requests: Amounts
    limits: Amounts | None


def _asked(resource: Resource, obj: Obj, kind: str) -> Iterator[_Asked]:
    spec = obj.get("spec") or {}
    if resource is not PODS:
        if kind == "PersistentVolumeClaim":
            yield _Asked(container_amounts(spec, "requests"), None)
    elif kind == "Container":
        for member, _ in _GROUPS:
            for one in spec.get(member) or ():
                yield _Asked(container_amounts(one, "requests"), container_amounts(one, "limits"))
    elif kind == "Pod":
        yield _Asked(pod_amounts(spec, "requests"), pod_amounts(spec, "limits"))


def _compared(limit: Obj, kind: str, asked: _Asked) -> Iterator[str]:
    for name, text in (limit.get("min") or {}).items():
        yield from _at_least(name, kind, Quantity.of(text), asked)
    for name, text in (limit.get("max") or {}).items():
        yield from _at_most(name, kind, Quantity.of(text), asked)
    for name, text in (limit.get("maxLimitRequestRatio") or {}).items():
        yield from _in_proportion(name, kind, Quantity.of(text), asked)


def _at_least(name: str, kind: str, least: Quantity, asked: _Asked) -> Iterator[str]:
    sentence = f"minimum {name} usage per {kind} is {least}"
    request, limit = asked.requests.get(name), (asked.limits or {}).get(name)
    if request is None:
        yield f"{sentence}.  No request is specified"
    elif request.value < least.value:
        yield f"{sentence}, but request is {request}"
    elif limit is not None and limit.value < least.value:
        yield f"{sentence}, but limit is {limit}"


def _at_most(name: str, kind: str, most: Quantity, asked: _Asked) -> Iterator[str]:
    sentence = f"maximum {name} usage per {kind} is {most}"
    request, limit = asked.requests.get(name), (asked.limits or {}).get(name)
    if asked.limits is not None and limit is None:
        yield f"{sentence}.  No limit is specified"
    elif limit is not None and limit.value > most.value:
        yield f"{sentence}, but limit is {limit}"
    elif request is None and asked.limits is None:
        yield f"{sentence}.  No request is specified"
    elif request is not None and request.value > most.value:
        yield f"{sentence}, but request is {request}"


def _in_proportion(name: str, kind: str, most: Quantity, asked: _Asked) -> Iterator[str]:
    sentence = f"{name} max limit to request ratio per {kind} is {most}"
    request, limit = asked.requests.get(name), (asked.limits or {}).get(name)
    if request is None or not request.value:
        yield f"{sentence}, but no request is specified or request is 0"
    elif limit is None or not limit.value:
        yield f"{sentence}, but no limit is specified or limit is 0"
    elif limit.value > most.value * request.value:
        yield f"{sentence}, but provided ratio is {limit.value / request.value:.6f}"
