"""Strategic merge patch: merge patch that knows from the schema which lists are really maps.

k8s.io/apimachinery/pkg/util/strategicpatch. `containers` are merged by name, Service ports by port,
taints are replaced as a whole; directives in the patch ($patch, $retainKeys, $setElementOrder,
$deleteFromPrimitiveList) say the rest.
"""

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from labctl.api import status
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
from labctl.errors import StatusError


def strategic_merge_patch(resource: Resource, obj: Obj, patch: Any) -> Obj:
    """The object with the patch merged into it; StatusError 400 for a malformed patch."""
    if not isinstance(patch, dict):
        raise status.bad_request("a strategic merge patch must be an object")
    return _merge_map(definition_of(resource) or {}, obj, patch)


def _merge_map(schema: Schema, original: Obj, patch: Obj) -> Obj:
    if DIRECTIVE in patch:
        return _directed_map(patch)
    _check_directives(patch)
    result = _without_deleted(_retained(original, patch), patch)
    for member, value in patch.items():
        if member.startswith(_DIRECTIVES):
            continue
        if value is None:
            result.pop(member, None)
        elif member in result:
            result[member] = _merge_value(strategy_of(schema, member), result, member, patch)
        elif not _deletes(value):
            result[member] = _without_directives(value)
    return _in_order(schema, result, patch)


def _deletes(value: Any) -> bool:
    return isinstance(value, dict) and value.get(DIRECTIVE) == "delete"


def _directed_map(patch: Obj) -> Obj:
    directive = patch[DIRECTIVE]
    if directive == "replace":
        return {member: value for member, value in patch.items() if member != DIRECTIVE}
    if directive == "delete":
        return {}
    raise _malformed(f"unknown patch type: {directive} in map: {patch}")


def _check_directives(patch: Obj) -> None:
    for member in patch:
        if member.startswith("$") and not member.startswith(_DIRECTIVES):
            raise _malformed(f"unknown directive {member}")


def _retained(original: Obj, patch: Obj) -> Obj:
    """The original with only the members that $retainKeys names, if it is there."""
    if RETAIN_KEYS not in patch:
        return dict(original)
    kept = {_hashable(one) for one in _list_of(patch, RETAIN_KEYS)}
    for member, value in patch.items():
        if value is not None and member not in kept and not member.startswith("$"):
            raise _malformed(f"{RETAIN_KEYS} does not name {member}, which is set")
    return {member: value for member, value in original.items() if member in kept}


def _without_deleted(original: Obj, patch: Obj) -> Obj:
    """The original without the values that directives take out of its lists of scalars."""
    for directive in patch:
        if directive.startswith(DELETE_PRIMITIVES):
            member, gone = directive.removeprefix(DELETE_PRIMITIVES), _list_of(patch, directive)
            if isinstance(original.get(member), list):
                out = {_hashable(one) for one in gone}
                original[member] = [one for one in original[member] if _hashable(one) not in out]
    return original


def _list_of(patch: Obj, member: str) -> list[Any]:
    value = patch[member]
    if not isinstance(value, list):
        raise _malformed(f"{member} must be a list")
    return value


def _malformed(what: str) -> StatusError:
    return status.bad_request(f"invalid strategic merge patch: {what}"[:400])


def _merge_value(strategy: Strategy, original: Obj, member: str, patch: Obj) -> Any:
    old, value = original.get(member), patch[member]
    if isinstance(value, dict):
        return _merge_map(strategy.schema, old if isinstance(old, dict) else {}, value)
    if isinstance(value, list) and strategy.merges:
        order = patch.get(ELEMENT_ORDER + member)
        return _merge_list(strategy, old if isinstance(old, list) else [], value, order)
    return value


_DIRECTIVES = (DIRECTIVE, RETAIN_KEYS, ELEMENT_ORDER, DELETE_PRIMITIVES)


def _without_directives(value: Any) -> Any:
    """A value for a place where nothing was: there is nothing to delete or to order."""
    if isinstance(value, list):
        kept = (one for one in value if not (isinstance(one, dict) and DIRECTIVE in one))
        return [_without_directives(one) for one in kept]
    if not isinstance(value, dict):
        return value
    return {
        member: _without_directives(one)
        for member, one in value.items()
        if one is not None and not _deletes(one) and not member.startswith(_DIRECTIVES)
    }


def _in_order(schema: Schema, result: Obj, patch: Obj) -> Obj:
    """Lists that are not patched, but whose order is given."""
    for directive in patch:
        if directive.startswith(ELEMENT_ORDER):
            member, order = directive.removeprefix(ELEMENT_ORDER), _list_of(patch, directive)
            if member not in patch and isinstance(result.get(member), list):
                key = _key(strategy_of(schema, member))
                result[member] = _ordered(result[member], result[member], order, key)
    return result


def _key(strategy: Strategy) -> Callable[[Any], Any]:
    """What tells the items of a list apart: the merge key's value, or the item itself."""
    if not strategy.merge_key:
        return _hashable
    key = strategy.merge_key
    return lambda item: _hashable(item.get(key) if isinstance(item, dict) else item)


def _hashable(value: Any) -> Any:
    """What stands for a value in sets: lists may have thousands of items, and a patch as many."""
    if isinstance(value, dict | list):
        return msgspec.json.encode(value, order="sorted")
    return value


def _ranks(keys: Iterable[Any]) -> dict[Any, int]:
    """The first place of each key."""
    ranks: dict[Any, int] = {}
    for place, key in enumerate(keys):
        ranks.setdefault(key, place)
    return ranks


def _merge_list(strategy: Strategy, old: list[Any], patch: list[Any], order: Any) -> list[Any]:
    """The merged list, in the order that is asked for, which without a directive is the patch's."""
    if strategy.merge_key and any(_replaces(item) for item in patch):
        return [item for item in patch if not (isinstance(item, dict) and DIRECTIVE in item)]
    if strategy.merge_key:
        merged = _merge_objects(strategy, old, patch)
    else:
        merged = [*old, *_new_values(old, patch)]
    if order is not None:
        _check_order(strategy, patch, order)
    else:
        order = [item for item in patch if not (isinstance(item, dict) and DIRECTIVE in item)]
    return _ordered(merged, old, order, _key(strategy))


def _check_order(strategy: Strategy, patch: list[Any], order: Any) -> None:
    """What a patch sets must stand in the order that it asks for, and be named in it."""
    if not isinstance(order, list):
        raise _malformed("$setElementOrder must be a list")
    key_of = _key(strategy)
    wanted = _ranks(map(key_of, order))
    places = [
        wanted.get(key_of(item), -1)
        for item in patch
        if not (isinstance(item, dict) and DIRECTIVE in item)
    ]
    if wanted and (-1 in places or places != sorted(places)):
        raise _malformed(f"the order of the list does not match {ELEMENT_ORDER}: {order}")


def _replaces(item: Any) -> bool:
    return isinstance(item, dict) and item.get(DIRECTIVE) == "replace"


def _new_values(old: list[Any], patch: Iterable[Any]) -> list[Any]:
    there = {_hashable(value) for value in old}
    added = {
        _hashable(value): value for value in reversed([*patch]) if _hashable(value) not in there
    }
    return [*added.values()][::-1]


def _merge_objects(strategy: Strategy, old: list[Any], patch: list[Any]) -> list[Any]:
    """Objects merged by their key: found ones in their place, new ones at the end."""
    result, key_of = list(old), _key(strategy)
    places: dict[Any, list[int]] = {}
    for place, one in enumerate(old):
        places.setdefault(key_of(one), []).append(place)
    for item in patch:
        key = _hashable(_key_of(strategy, item))
        if _deletes(item):
            for place in places.pop(key, ()):
                result[place] = _GONE
        elif DIRECTIVE in item:
            raise _malformed(f"{item[DIRECTIVE]!r} cannot be said of an item of a list")
        elif key in places:
            first = places[key][0]
            result[first] = _merge_map(strategy.items, result[first], item)
        else:
            places[key] = [len(result)]
            result.append(_without_directives(item))
    return [one for one in result if one is not _GONE]


_GONE = object()


def _key_of(strategy: Strategy, item: Any) -> Any:
    if not isinstance(item, dict) or item.get(strategy.merge_key) is None:
        raise _malformed(f"{item!r} does not contain declared merge key: {strategy.merge_key}")
    return item[strategy.merge_key]


def _ordered(
    items: list[Any], server: list[Any], order: list[Any], key: Callable[[Any], Any]
) -> list[Any]:
    """The items in the order that was asked for.

    What only the server has is put between: before the first item that comes after it in the
    server's list, never before what it was put behind already.
    """
    wanted, ranks = _ranks(map(key, order)), _ranks(map(key, server))
    asked = [item for item in items if key(item) in wanted]
    asked.sort(key=lambda item: wanted[key(item)])
    result, place = list[Any](), 0
    for item in (one for one in items if key(one) not in wanted):
        end = _place(ranks.get(key(item), len(server)), asked, place, ranks, key)
        result += [*asked[place:end], item]
        place = end
    return result + asked[place:]


def _place(
    own: int, asked: list[Any], start: int, ranks: dict[Any, int], key: Callable[[Any], Any]
) -> int:
    """The place of the first item that comes after rank `own` in the server's list."""
    places = range(start, len(asked))
    return next((at for at in places if ranks.get(key(asked[at]), -1) > own), len(asked))
