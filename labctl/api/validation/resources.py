"""The rules of what containers request and are limited to."""

from collections.abc import Iterator

from labctl.api import causes
from labctl.api.causes import Cause
from labctl.api.objects import Obj
from labctl.api.quantity import parse_quantity
from labctl.api.validation import names, terms

_STANDARD = ("cpu", "memory", "ephemeral-storage")
_NATIVE = "kubernetes.io/"


def check_resources(resources: Obj, path: str) -> Iterator[Cause]:
    requests, limits = resources.get("requests") or {}, resources.get("limits") or {}
    for member, given in (("limits", limits), ("requests", requests)):
        for name, quantity in given.items():
            yield from _quantity(name, quantity, f"{path}.{member}[{name}]")
    for name in requests.keys() & limits.keys():
        yield from _within_limit(name, requests[name], limits[name], path)


def _quantity(name: str, quantity: str | float, field: str) -> Iterator[Cause]:
    if name not in _STANDARD and not name.startswith("hugepages-"):
        for problem in names.qualified(name):
            yield causes.invalid(field, name, problem)
        if "/" not in name:
            yield causes.invalid(field, name, "must be a standard resource for containers")
    if parse_quantity(quantity) < 0:
        yield causes.invalid(field, str(quantity), terms.NOT_NEGATIVE)


def _within_limit(
    name: str, request: str | float, limit: str | float, path: str
) -> Iterator[Cause]:
    wanted, allowed = parse_quantity(request), parse_quantity(limit)
    if wanted > allowed:
        sentence = f"must be less than or equal to {name} limit of {limit}"
        yield causes.invalid(f"{path}.requests", str(request), sentence)
    elif wanted != allowed and not _overcommits(name):
        sentence = f"must be equal to {name} limit of {limit}"
        yield causes.invalid(f"{path}.requests", str(request), sentence)


def _overcommits(name: str) -> bool:
    """Whether more may be allowed than is set aside: not of huge pages and extended resources."""
    return name in _STANDARD or name.startswith(_NATIVE)
