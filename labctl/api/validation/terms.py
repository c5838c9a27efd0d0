"""The few kinds of rule that come back everywhere: limits, choices, names, labels, selectors."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from labctl.api import causes
from labctl.api.causes import Cause
from labctl.api.objects import Obj
from labctl.api.validation import names

IMMUTABLE = "field is immutable"
NOT_NEGATIVE = "must be greater than or equal to 0"
_SET_OPERATORS = ("In", "NotIn")
_PRESENCE_OPERATORS = ("Exists", "DoesNotExist")


def named(rule: Callable[[str], names.Problems], value: str, field: str) -> Iterator[Cause]:
    """The value against a rule of `names`; the empty string is a missing value."""
    if not value:
        yield causes.required(field)
        return
    for problem in rule(value):
        yield causes.invalid(field, value, problem)


def not_negative(obj: Mapping[str, Any], members: Iterable[str], path: str) -> Iterator[Cause]:
    for member in members:
        value = obj.get(member)
        if value is not None and value < 0:
            yield causes.invalid(f"{path}.{member}", value, NOT_NEGATIVE)


def within(obj: Mapping[str, Any], member: str, low: int, high: int, path: str) -> Iterator[Cause]:
    value = obj.get(member)
    if value is not None and not low <= value <= high:
        sentence = f"must be between {low} and {high}, inclusive"
        yield causes.invalid(f"{path}.{member}", value, sentence)


def choice(
    obj: Mapping[str, Any], member: str, supported: tuple[str, ...], path: str
) -> Iterator[Cause]:
    """A member that, if it is there, must be one of a few words."""
    value = obj.get(member)
    if value is not None and value not in supported:
        yield causes.not_supported(f"{path}.{member}", value, supported)


def unchanged(new: Any, old: Any, field: str, detail: str = IMMUTABLE) -> Iterator[Cause]:
    if new != old:
        yield causes.invalid(field, new, detail)


def int_or_percent(value: int | str, field: str) -> Iterator[Cause]:
    """A count, or a share of the whole such as "25%"."""
    if isinstance(value, int):
        if value < 0:
            yield causes.invalid(field, value, NOT_NEGATIVE)
        return
    for problem in names.percent(value):
        yield causes.invalid(field, value, problem)


def labels(given: Mapping[str, str] | None, field: str) -> Iterator[Cause]:
    for key, value in (given or {}).items():
        for problem in names.qualified(key):
            yield causes.invalid(field, key, problem)
        for problem in names.label_value(value):
            yield causes.invalid(field, value, problem)


def label_selector(selector: Obj | None, path: str) -> Iterator[Cause]:
    """A selector of matchLabels and matchExpressions."""
    if not selector:
        return
    yield from labels(selector.get("matchLabels"), f"{path}.matchLabels")
    for index, one in enumerate(selector.get("matchExpressions") or ()):
        yield from _expression(one, f"{path}.matchExpressions[{index}]")


def _expression(one: Obj, path: str) -> Iterator[Cause]:
    yield from named(names.qualified, one.get("key", ""), f"{path}.key")
    yield from operands(one, path)
    for index, value in enumerate(one.get("values") or ()):
        for problem in names.label_value(value):
            yield causes.invalid(f"{path}.values[{index}]", value, problem)


def operands(one: Obj, path: str) -> Iterator[Cause]:
    """An operator of a label selector, and whether it has the values that it needs."""
    operator, values = one.get("operator"), one.get("values")
    if operator in _SET_OPERATORS and not values:
        sentence = "must be specified when `operator` is 'In' or 'NotIn'"
        yield causes.required(f"{path}.values", sentence)
    elif operator in _PRESENCE_OPERATORS and values:
        sentence = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
        yield causes.forbidden(f"{path}.values", sentence)
    elif operator not in (*_SET_OPERATORS, *_PRESENCE_OPERATORS):
        yield causes.invalid(f"{path}.operator", operator, "not a valid selector operator")


def duplicates(values: Iterable[Any], field: Callable[[int], str]) -> Iterator[Cause]:
    """A cause for every value that was there before; `field` names the place of the n-th."""
    seen: set[Any] = set()
    for index, value in enumerate(values):
        if value in seen:
            yield causes.duplicate(field(index), value)
        seen.add(value)
