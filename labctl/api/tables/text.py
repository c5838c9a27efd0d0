"""The small texts of cells: ages, labels, lists."""

from collections.abc import Iterable, Mapping
from typing import Any

from labctl.api.objects import Obj, parse_time
from labctl.api.selectors import from_object

NONE = "<none>"
UNKNOWN = "<unknown>"
UNSET = "<unset>"

_MINUTE, _HOUR, _DAY, _YEAR = 60, 3600, 86400, 86400 * 365
# Up to the limit (seconds) a duration is shown in units of the first, with the rest in the second.
_STEPS: tuple[tuple[int, int, str, int, str], ...] = (
    (10 * _MINUTE, _MINUTE, "m", 1, "s"),
    (3 * _HOUR, _MINUTE, "m", 0, ""),
    (8 * _HOUR, _HOUR, "h", _MINUTE, "m"),
    (2 * _DAY, _HOUR, "h", 0, ""),
    (8 * _DAY, _DAY, "d", _HOUR, "h"),
    (2 * _YEAR, _DAY, "d", 0, ""),
    (8 * _YEAR, _YEAR, "y", _DAY, "d"),
)


def duration(seconds: float) -> str:
    """A duration as kubectl shows it (apimachinery's HumanDuration): 7m3s, 5h, 2d3h, 1y20d."""
    whole = int(seconds)
    if whole < 2 * _MINUTE:
        return "<invalid>" if whole < -1 else f"{max(whole, 0)}s"
    for limit, unit, letter, rest, rest_letter in _STEPS:
        if whole < limit:
            left = whole % unit // rest if rest else 0
            return f"{whole // unit}{letter}" + (f"{left}{rest_letter}" if left else "")
    return f"{whole // _YEAR}y"


def since(time_text: str | None, now: float) -> str:
    """How long ago a timestamp was, or <unknown>."""
    if not time_text:
        return UNKNOWN
    try:
        return duration(now - parse_time(time_text))
    except ValueError:
        return UNKNOWN


def age(obj: Mapping[str, Any], now: float) -> str:
    return since((obj.get("metadata") or {}).get("creationTimestamp"), now)


def joined(values: Iterable[str], empty: str = NONE) -> str:
    return ",".join(values) or empty


def labels_text(labels: Mapping[str, str] | None) -> str:
    """`a=b,c=d`, sorted."""
    return joined(f"{key}={value}" for key, value in sorted((labels or {}).items()))


def selector_text(selector: Mapping[str, Any] | None) -> str:
    return NONE if not selector else str(from_object(selector)) or NONE


def spec(obj: Mapping[str, Any]) -> Obj:
    return obj.get("spec") or {}


def status(obj: Mapping[str, Any]) -> Obj:
    return obj.get("status") or {}
