"""The rules of ResourceQuotas and LimitRanges."""

from collections.abc import Iterator, Mapping

from labctl.api import causes
from labctl.api.causes import Cause
from labctl.api.objects import Obj
from labctl.api.quantity import Quantity, parse_quantity
from labctl.api.quota.scopes import SCOPES
from labctl.api.validation import names, terms

_COMPUTE = ("cpu", "memory", "ephemeral-storage")
_COUNTED = (
    "configmaps",
    "persistentvolumeclaims",
    "pods",
    "replicationcontrollers",
    "resourcequotas",
    "secrets",
    "services",
    "services.loadbalancers",
    "services.nodeports",
)
_STANDARD = (
    *_COMPUTE,
    *(f"requests.{one}" for one in (*_COMPUTE, "storage")),
    *(f"limits.{one}" for one in _COMPUTE),
    *_COUNTED,
)
_CONFLICTS = (("BestEffort", "NotBestEffort"), ("NotTerminating", "Terminating"))
_SCOPED = {
    "BestEffort": ("pods",),
    **dict.fromkeys(
        set(SCOPES) - {"BestEffort"},
        ("pods", *_COMPUTE, *(f"{m}.{one}" for m in ("requests", "limits") for one in _COMPUTE)),
    ),
}
_TYPES = ("Container", "PersistentVolumeClaim", "Pod")
# In each pair the first must not be greater than the second.
_BOUNDS = (
    ("min", "min value", "max", "max value"),
    ("min", "min value", "defaultRequest", "default request value"),
    ("defaultRequest", "default request value", "max", "max value"),
    ("defaultRequest", "default request value", "default", "default limit value"),
    ("min", "min value", "default", "default value"),
    ("default", "default value", "max", "max value"),
)


def check_quota(obj: Obj) -> Iterator[Cause]:
    spec = obj.get("spec") or {}
    for name, text in (spec.get("hard") or {}).items():
        field = f"spec.hard[{name}]"
        yield from _name(name, field)
        if parse_quantity(text) < 0:
            yield causes.invalid(field, str(text), terms.NOT_NEGATIVE)
        if (name in _COUNTED or name.startswith("count/")) and parse_quantity(text) % 1:
            yield causes.invalid(field, str(text), "must be an integer")
    yield from _scopes(spec)


def _name(name: str, field: str) -> Iterator[Cause]:
    for problem in names.qualified(name):
        yield causes.invalid(field, name, problem)
    extended = name.startswith(("requests.hugepages-", "limits.hugepages-", "hugepages-"))
    if "/" not in name and name not in _STANDARD and not extended:
        yield causes.invalid(field, name, "must be a standard resource for quota")


def _scopes(spec: Obj) -> Iterator[Cause]:
    scopes = spec.get("scopes") or []
    for scope in scopes:
        if scope not in SCOPES:
            yield causes.invalid("spec.scopes", scopes, "unsupported scope")
            continue
        for name in spec.get("hard") or {}:
            if name not in _SCOPED[scope] and not name.startswith(("count/pods", "requests.")):
                why = "unsupported scope applied to resource"
                yield causes.invalid("spec.scopes", scopes, why)
                break
    if any(one in scopes and other in scopes for one, other in _CONFLICTS):
        yield causes.invalid("spec.scopes", scopes, "conflicting scopes")


def check_quota_update(new: Obj, old: Obj) -> Iterator[Cause]:
    before, after = (sorted((one.get("spec") or {}).get("scopes") or []) for one in (old, new))
    yield from terms.unchanged(after, before, "spec.scopes")


def check_limit_range(obj: Obj) -> Iterator[Cause]:
    seen: set[str] = set()
    for index, limit in enumerate((obj.get("spec") or {}).get("limits") or ()):
        path, kind = f"spec.limits[{index}]", limit.get("type", "")
        if kind not in _TYPES and "/" not in kind:
            why = "must be a standard limit type or fully qualified"
            yield causes.invalid(f"{path}.type", kind, why)
        if kind in seen:
            yield causes.duplicate(f"{path}.type", kind)
        seen.add(kind)
        if kind == "Pod":
            for member in ("default", "defaultRequest"):
                if limit.get(member):
                    why = "may not be specified when `type` is 'Pod'"
                    yield causes.forbidden(f"{path}.{member}", why)
        yield from _bounds(limit, path)


def _bounds(limit: Obj, path: str) -> Iterator[Cause]:
    for low, low_words, high, high_words in _BOUNDS:
        lows: Mapping[str, str] = limit.get(low) or {}
        highs: Mapping[str, str] = limit.get(high) or {}
        for name in sorted(lows.keys() & highs.keys()):
            if parse_quantity(lows[name]) > parse_quantity(highs[name]):
                why = (
                    f"{low_words} {Quantity.of(lows[name])} is greater than "
                    f"{high_words} {Quantity.of(highs[name])}"
                )
                yield causes.invalid(f"{path}.{low}[{name}]", str(lows[name]), why)
    for name, text in (limit.get("maxLimitRequestRatio") or {}).items():
        if parse_quantity(text) < 1:
            ratio = Quantity.of(text)
            why = f"ratio {ratio} is less than 1"
            yield causes.invalid(f"{path}.maxLimitRequestRatio[{name}]", str(text), why)
