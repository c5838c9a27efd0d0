"""Finding the strategic merge patch to send: what `apply` does (kubectl's three-way merge).

`original` is what was applied last, `modified` what is applied now, `current` what the server has.
What is in `modified` is set where the server differs; what was in `original` and is no longer in
`modified` is removed; what others have set stays.
"""

from collections.abc import Iterable
from typing import Any

from labctl.api.objects import Obj
from labctl.api.patches.strategy import (
    DELETE_PRIMITIVES,
    DIRECTIVE,
    ELEMENT_ORDER,
    RETAIN_KEYS,
    Strategy,
    strategy_of,
)
from labctl.api.resource import Resource
from labctl.api.schema import Schema, definition_of


def strategic_diff(resource: Resource, old: Obj, new: Obj) -> Obj:
    """The patch that makes `new` of `old`; {} when they are equal. `new` must hold no nulls."""
    return three_way_patch(resource, old, new, old)


def three_way_patch(resource: Resource, original: Obj, modified: Obj, current: Obj) -> Obj:
    """The patch that brings `current` to `modified` and takes away what only `original` had."""
    return _map(definition_of(resource) or {}, original, modified, current)


def _map(schema: Schema, original: Obj, modified: Obj, current: Obj) -> Obj:
    patch: Obj = {
        member: None for member in original if member not in modified and member in current
    }
    for member, value in modified.items():
        if member not in current:
            patch[member] = value
        elif current[member] != value:
            strategy = strategy_of(schema, member)
            patch |= _member(strategy, member, original.get(member), value, current[member])
    return patch


def _member(strategy: Strategy, member: str, original: Any, value: Any, current: Any) -> Obj:
    """What goes into the patch for one member that differs: its value and its directives."""
    if isinstance(value, dict) and isinstance(current, dict):
        inner = _map(strategy.schema, _dict(original), value, current)
        if not inner:
            return {}
        return {member: {**inner, RETAIN_KEYS: sorted(value)} if strategy.retains else inner}
    if isinstance(value, list) and isinstance(current, list) and strategy.merges:
        before = original if isinstance(original, list) else []
        if not strategy.merge_key:
            return _values(member, before, value, current)
        lists = _by_key(strategy, before), _by_key(strategy, value), _by_key(strategy, current)
        if None in lists:
            return {member: [{DIRECTIVE: "replace"}, *value]}
        return _objects(strategy, member, *(one or {} for one in lists))
    return {member: value}


def _dict(value: Any) -> Obj:
    return value if isinstance(value, dict) else {}


def _by_key(strategy: Strategy, items: Iterable[Any]) -> dict[Any, Obj] | None:
    """The items by their merge key, or None where that does not tell them apart."""
    found: dict[Any, Obj] = {}
    for item in items:
        key = _dict(item).get(strategy.merge_key)
        if key is None or isinstance(key, dict | list) or key in found:
            return None
        found[key] = item
    return found


def _objects(
    strategy: Strategy,
    member: str,
    original: dict[Any, Obj],
    modified: dict[Any, Obj],
    current: dict[Any, Obj],
) -> Obj:
    key, items = strategy.merge_key, []
    for value, item in modified.items():
        if value not in current:
            items.append(item)
            continue
        inner = _map(strategy.items, original.get(value, {}), item, current[value])
        if inner:
            retained = {RETAIN_KEYS: sorted(item)} if strategy.retains else {}
            items.append({key: value, **inner, **retained})
    gone = [value for value in original if value not in modified and value in current]
    items += [{DIRECTIVE: "delete", key: value} for value in gone]
    return _with_order(
        member, items, [{key: value} for value in modified], _keeps_order(modified, current)
    )


def _keeps_order(modified: Iterable[Any], current: Iterable[Any]) -> bool:
    """Whether what both have stands in the same order."""
    wanted, there = list(modified), list(current)
    shared = [one for one in wanted if one in there]
    return shared == [one for one in there if one in wanted]


def _with_order(member: str, items: list[Any], order: list[Any], in_order: bool) -> Obj:
    if not items and in_order:
        return {}
    patch: Obj = {ELEMENT_ORDER + member: order}
    return {**patch, member: items} if items else patch


def _values(member: str, original: list[Any], modified: list[Any], current: list[Any]) -> Obj:
    added = [value for value in modified if value not in current]
    gone = [value for value in original if value not in modified and value in current]
    patch = _with_order(member, added, modified, _keeps_order(modified, current))
    if gone:
        patch[DELETE_PRIMITIVES + member] = gone
        patch.setdefault(ELEMENT_ORDER + member, modified)
    return patch
