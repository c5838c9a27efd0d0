"""Which pods a quota with scopes is about."""

from collections.abc import Iterator

from labctl.api.kinds.core import PODS
from labctl.api.objects import Obj
from labctl.api.resource import Resource

SCOPES = (
    "BestEffort",
    "CrossNamespacePodAffinity",
    "NotBestEffort",
    "NotTerminating",
    "PriorityClass",
    "Terminating",
)


def concerns(quota: Obj, resource: Resource, obj: Obj) -> bool:
    """Whether the quota is about the object. One with scopes is about pods alone."""
    spec = quota.get("spec") or {}
    terms = list(_terms(spec))
    if not terms:
        return True
    return resource is PODS and all(_matches(term, obj) for term in terms)


def _terms(spec: Obj) -> Iterator[Obj]:
    for scope in spec.get("scopes") or ():
        yield {"scopeName": scope, "operator": "Exists"}
    yield from (spec.get("scopeSelector") or {}).get("matchExpressions") or ()


def _matches(term: Obj, pod: Obj) -> bool:
    spec, scope = pod["spec"], term["scopeName"]
    if scope == "PriorityClass":
        return _has_priority(term, spec.get("priorityClassName") or "")
    if scope in ("Terminating", "NotTerminating"):
        return bool((spec.get("activeDeadlineSeconds") is not None) == (scope == "Terminating"))
    if scope in ("BestEffort", "NotBestEffort"):
        best_effort = (pod.get("status") or {}).get("qosClass") == "BestEffort"
        return bool(best_effort == (scope == "BestEffort"))
    return scope == "CrossNamespacePodAffinity" and _looks_abroad(spec)


def _has_priority(term: Obj, name: str) -> bool:
    operator, values = term.get("operator"), term.get("values") or ()
    if operator in ("In", "NotIn"):
        return bool((name in values) == (operator == "In"))
    return bool(name) == (operator == "Exists")


def _looks_abroad(spec: Obj) -> bool:
    """Whether an affinity names other namespaces than the pod's own."""
    affinity = spec.get("affinity") or {}
    return any(
        term.get("namespaces") or term.get("namespaceSelector") is not None
        for which in ("podAffinity", "podAntiAffinity")
        for term in _affinity_terms(affinity.get(which) or {})
    )


def _affinity_terms(affinity: Obj) -> Iterator[Obj]:
    yield from affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or ()
    for one in affinity.get("preferredDuringSchedulingIgnoredDuringExecution") or ():
        yield one["podAffinityTerm"]
