"""Lists that are sets or maps, and objects within objects: what JSON Schema has no words for."""

from collections.abc import Iterator
from typing import Any

import msgspec

from labctl.api import causes
from labctl.api.causes import Cause
from labctl.api.custom.prune import EMBEDDED
from labctl.api.fields import Path, format_path
from labctl.api.objects import Obj
from labctl.api.schema.definitions import Schema

LIST_TYPE = "x-kubernetes-list-type"
MAP_KEYS = "x-kubernetes-list-map-keys"


def list_problems(schema: Schema, value: Any, path: Path) -> Iterator[Cause]:
    """Items that are there twice in a set or a map, and embedded objects without a kind."""
    if isinstance(value, dict):
        if schema.get(EMBEDDED):
            yield from _kind_problems(value, path)
        for name, inner in _members(schema, value):
            yield from list_problems(inner, value[name], (*path, name))
    elif isinstance(value, list):
        yield from _duplicates(schema, value, path)
        items = schema.get("items") or {}
        for index, one in enumerate(value):
            yield from list_problems(items, one, (*path, index))


def _members(schema: Schema, value: Obj) -> Iterator[tuple[str, Schema]]:
    properties, others = schema.get("properties") or {}, schema.get("additionalProperties")
    for name in value:
        inner = properties.get(name) or others
        if isinstance(inner, dict):
            yield name, inner


def _kind_problems(value: Obj, path: Path) -> Iterator[Cause]:
    for member in ("apiVersion", "kind"):
        if not value.get(member):
            yield causes.required(format_path((*path, member)), "must not be empty")


def _duplicates(schema: Schema, value: list[Any], path: Path) -> Iterator[Cause]:
    kind = schema.get(LIST_TYPE)
    if kind not in ("set", "map"):
        return
    seen: set[bytes] = set()
    for index, item in enumerate(value):
        identity = _keys(schema, item) if kind == "map" else item
        text = msgspec.json.encode(identity, order="sorted")
        if text in seen:
            yield causes.duplicate(format_path((*path, index)), identity)
        seen.add(text)


def _keys(schema: Schema, item: Any) -> Any:
    names = schema.get(MAP_KEYS) or ()
    return {name: item[name] for name in names if name in item} if isinstance(item, dict) else item
