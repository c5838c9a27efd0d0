"""What `apply` sends: the patch that makes an object as its manifest says, and no more than that.

Three objects decide (kubectl's CreateThreeWayMergePatch): what was applied last, what shall be
applied now, and what is there. Fields of the manifest are set; fields that were in the last one and
are not in this one are removed; what others added stays. Lists merge by the key that Kubernetes'
definitions give for them, where they give one. Pure.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from labctl.api.schema import Schema, resolve

_STRATEGY = "x-kubernetes-patch-strategy"
_MERGE_KEY = "x-kubernetes-patch-merge-key"

Map = Mapping[str, Any]


def three_way_patch(last: Map, wanted: Map, present: Map, schema: Schema | None) -> dict[str, Any]:
    """The strategic merge patch, empty when there is nothing to do.

    Without a schema it is a JSON merge patch: lists are replaced whole.
    """
    return _map_patch(last, wanted, present, resolve(schema) if schema else {})


def _map_patch(last: Map, wanted: Map, present: Map, schema: Schema) -> dict[str, Any]:
    patch: dict[str, Any] = {}
    for field, value in wanted.items():
        inner = _field_schema(schema, field)
        patch |= _field_patch(field, last.get(field), value, present.get(field), inner)
    removed = [field for field in last if field not in wanted and field in present]
    patch |= dict.fromkeys(removed)
    if patch and _strategies(schema) and "retainKeys" in _strategies(schema):
        patch["$retainKeys"] = sorted(wanted)
    return patch


def _field_patch(
    field: str, last: Any, wanted: Any, present: Any, schema: Schema
) -> dict[str, Any]:
    if wanted == present or (wanted is None and present is None):
        return {}
    if isinstance(wanted, dict) and isinstance(present, dict):
        inner = _map_patch(_as_map(last), wanted, present, schema)
        return {field: inner} if inner else {}
    if isinstance(wanted, list) and isinstance(present, list):
        return _list_patch(field, last if isinstance(last, list) else [], wanted, present, schema)
    return {field: wanted}


def _list_patch(
    field: str, last: list[Any], wanted: list[Any], present: list[Any], schema: Schema
) -> dict[str, Any]:
    if "merge" not in _strategies(schema):
        return {field: wanted}
    key = schema.get(_MERGE_KEY)
    if key is None:
        return _primitive_patch(field, last, wanted, present)
    if not all(_has_distinct_keys(items, key) for items in (last, wanted, present)):
        return {field: [*wanted, {"$patch": "replace"}]}
    return _keyed_patch(field, key, (last, wanted, present), resolve(schema.get("items", {})))


def _keyed_patch(
    field: str, key: str, lists: tuple[list[Any], list[Any], list[Any]], schema: Schema
) -> dict[str, Any]:
    last, wanted, present = ({item[key]: item for item in items} for items in lists)
    changes = []
    for value, item in wanted.items():
        if value not in present:
            changes.append(item)
            continue
        inner = _map_patch(last.get(value, {}), item, present[value], schema)
        if inner:
            changes.append({**inner, key: value})
    gone = [value for value in last if value not in wanted and value in present]
    changes += [{"$patch": "delete", key: value} for value in gone]
    in_order = [value for value in present if value in wanted] == [
        v for v in wanted if v in present
    ]
    if not changes and in_order:
        return {}
    order = {f"$setElementOrder/{field}": [{key: value} for value in wanted]}
    return {**order, field: changes} if changes else order


def _primitive_patch(
    field: str, last: list[Any], wanted: list[Any], present: list[Any]
) -> dict[str, Any]:
    patch: dict[str, Any] = {}
    if added := [value for value in wanted if value not in present]:
        patch[field] = added
    if gone := [value for value in last if value not in wanted and value in present]:
        patch[f"$deleteFromPrimitiveList/{field}"] = gone
    return {f"$setElementOrder/{field}": wanted, **patch} if patch else {}


def _has_distinct_keys(items: Sequence[Any], key: str) -> bool:
    """Whether the key tells the items apart; ports 53/TCP and 53/UDP have the same one."""
    values = [item.get(key) if isinstance(item, dict) else None for item in items]
    return None not in values and len(set(map(str, values))) == len(values)


def _strategies(schema: Schema) -> list[str]:
    return str(schema.get(_STRATEGY, "")).split(",")


def _field_schema(schema: Schema, field: str) -> Schema:
    """The definition of a field, with the strategy that its reference carries."""
    found = schema.get("properties", {}).get(field) or schema.get("additionalProperties") or {}
    if not isinstance(found, dict) or "$ref" not in found:
        return found if isinstance(found, dict) else {}
    return {**resolve(found), **{k: v for k, v in found.items() if k != "$ref"}}


def _as_map(value: Any) -> Map:
    return value if isinstance(value, dict) else {}
