"""What a kind does not know is not kept: as Go's decoder, which has no place for it."""

from typing import Any

from labctl.api.objects import Obj
from labctl.api.resource import Resource
from labctl.api.schema.definitions import Schema, definition_of, resolve


def without_unknown(resource: Resource, obj: Obj) -> Obj:
    """The object with only the members that its kind has; of a kind without schema all of them."""
    kept: Obj = _known(definition_of(resource) or {}, obj)
    return kept


def _known(schema: Schema, value: Any) -> Any:
    schema = resolve(schema)
    if isinstance(value, list):
        items = schema.get("items", {})
        return [_known(items, item) for item in value]
    properties, others = schema.get("properties"), schema.get("additionalProperties")
    if not isinstance(value, dict) or (properties is None and others is None):
        return value
    named: Schema = properties or {}
    return {
        name: _known(named.get(name) or others or {}, member)
        for name, member in value.items()
        if name in named or others is not None
    }
