"""What a client is told beside an answer that is otherwise fine."""

from collections.abc import Iterator, Sequence
from typing import Any

from labctl.api.kinds.apiextensions import CUSTOMRESOURCEDEFINITIONS
from labctl.api.kinds.core import SERVICES
from labctl.api.objects import Obj
from labctl.api.resource import Resource

_RULES = "x-kubernetes-validations"
# What is acted upon in part, and what is not done yet.
_LACKING = {
    SERVICES: "labctl gives services their addresses and ports, but nothing in the lab routes "
    "their traffic yet"
}


def notes(resource: Resource, obj: Obj) -> Sequence[str]:
    """The warnings for a new object: of a kind on which nothing in a lab acts yet, or not in all
    that it is for, and `unevaluated`.
    """
    if resource in _LACKING:
        return (_LACKING[resource],)
    if not resource.acted_upon:
        return (f"labctl stores {resource.qualified}, but nothing in the lab acts on them yet",)
    return unevaluated(resource, obj)


def unevaluated(resource: Resource, obj: Obj) -> Sequence[str]:
    """The warnings for what is taken and has no effect, and for versions that are deprecated."""
    if resource.custom is not None:
        return (resource.custom.warning,) if resource.custom.warning else ()
    if resource is not CUSTOMRESOURCEDEFINITIONS:
        return ()
    return tuple(_definition_warnings(obj))


def _definition_warnings(crd: Obj) -> Iterator[str]:
    spec: Any = crd.get("spec") or {}
    if _has_member(spec.get("versions"), _RULES):
        yield f"{_RULES}: labctl does not evaluate CEL rules, objects that break them are accepted"
    if (spec.get("conversion") or {}).get("strategy") == "Webhook":
        yield "spec.conversion: labctl calls no webhook, it converts by strategy None"


def _has_member(value: Any, member: str) -> bool:
    if isinstance(value, dict):
        return member in value or any(_has_member(one, member) for one in value.values())
    return isinstance(value, list) and any(_has_member(one, member) for one in value)
