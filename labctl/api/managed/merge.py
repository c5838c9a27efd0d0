"""An applied configuration merged into an object, by its type; and fields taken out of one."""

from collections.abc import Iterator
from typing import Any

from labctl.api.managed.fields import Fields, is_member
from labctl.api.managed.types import Type
from labctl.api.objects import Obj


def merge(type_: Type, live: Any, config: Any) -> Any:
    """The live value with everything that the configuration says; neither is changed.

    Maps and granular lists are merged, all else is the configuration's, also null where it is the
    wish that a field be absent. Raises NoElement.
    """
    if isinstance(live, dict) and isinstance(config, dict) and not type_.atomic:
        result: Obj = dict(live)
        for name, value in config.items():
            known = name in live
            result[name] = merge(type_.member(name), live[name], value) if known else value
        return result
    if isinstance(live, list) and isinstance(config, list) and type_.granular:
        return list(_items(type_, live, config))
    return live if config is None and _is_granular(type_, live) else config


def _is_granular(type_: Type, value: Any) -> bool:
    """Whether the fields below a value have owners of their own."""
    if isinstance(value, dict):
        return bool(value) and not type_.atomic
    return isinstance(value, list) and bool(value) and type_.granular


def _items(type_: Type, live: list[Any], config: list[Any]) -> Iterator[Any]:
    """The items of both. The configuration's order holds; what only the live list has stays before
    what it stood before.
    """
    present = {type_.element(item): item for item in live}
    wanted = {type_.element(item): item for item in config}
    shared = iter([element for element in wanted if element in present])
    waiting = [(type_.element(item), item) for item in live]
    place, following = 0, next(shared, None)
    for element, item in wanted.items():
        while place < len(waiting) and waiting[place][0] != following:
            if waiting[place][0] not in wanted:
                yield waiting[place][1]
            place += 1
        if element != following:
            yield item
            continue
        yield merge(type_.items, present[element], item)
        place, following = place + 1, next(shared, None)
    yield from (item for element, item in waiting[place:] if element not in wanted)


def remove(type_: Type, value: Any, fields: Fields) -> Any:
    """The value without these fields; None where nothing is left of it."""
    if isinstance(value, dict) and not type_.atomic:
        result: Obj = {}
        for name, inner in value.items():
            node = fields.get("f:" + name)
            if node is None:
                result[name] = inner
            elif not is_member(node):
                result[name] = remove(type_.member(name), inner, node)
        return result or None
    if isinstance(value, list) and type_.granular:
        return list(_kept_items(type_, value, fields)) or None
    return value


def _kept_items(type_: Type, items: list[Any], fields: Fields) -> Iterator[Any]:
    for item in items:
        node = fields.get(type_.element(item))
        if node is None:
            yield item
        elif not is_member(node):
            yield remove(type_.items, item, node)
