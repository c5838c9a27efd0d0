"""Filling in members of objects without changing those that were given."""

from collections.abc import Callable, Mapping
from typing import Any

from labctl.api.objects import Obj


def fill(obj: Mapping[str, Any], defaults: Mapping[str, Any]) -> Obj:
    """The object with members that it lacks taken from `defaults`."""
    return {**obj, **{key: value for key, value in defaults.items() if key not in obj}}


def change(obj: Obj, field: str, setter: Callable[[Any], Any]) -> Obj:
    """The object with `setter` applied to a member, if it has it."""
    value = obj.get(field)
    return obj if value is None else {**obj, field: setter(value)}


def each(setter: Callable[[Obj], Obj]) -> Callable[[list[Obj]], list[Obj]]:
    """A setter for lists out of one for their items."""
    return lambda items: [setter(item) for item in items]


def change_spec(obj: Obj, setter: Callable[[Obj], Obj]) -> Obj:
    """The object with `setter` applied to its spec; one without a spec gets what that makes of {}."""
    return {**obj, "spec": setter(obj.get("spec") or {})}
