"""Defaults that a structural schema gives, filled in where members are absent."""

from typing import Any

from labctl.api.objects import Obj, copy
from labctl.api.schema.definitions import Schema


def fill(schema: Schema, value: Any) -> Any:
    """The value with defaults at every depth; the one given is not changed, and returned as it is
    where nothing is to be filled in.
    """
    if type(value) is dict:
        return _object(schema, value)
    if type(value) is list and isinstance(schema.get("items"), dict):
        filled = [fill(schema["items"], one) for one in value]
        return value if all(new is old for new, old in zip(filled, value, strict=True)) else filled
    return value


def _object(schema: Schema, value: Obj) -> Obj:
    properties: Obj = schema.get("properties") or {}
    others = schema.get("additionalProperties")
    filled = dict(value)
    for name, inner in properties.items():
        if name not in filled and _has_default(inner):
            filled[name] = copy({"default": inner["default"]})["default"]
    for name, old in filled.items():
        inner = properties.get(name) or (others if isinstance(others, dict) else None)
        if inner is not None:
            filled[name] = fill(inner, old)
    same = len(filled) == len(value) and all(filled[name] is value[name] for name in value)
    return value if same else filled


def _has_default(schema: Schema) -> bool:
    """A null is a default only where it is a value; elsewhere it is as good as none."""
    return schema.get("default") is not None or (
        "default" in schema and bool(schema.get("nullable"))
    )
