"""Definitions compiled by jsonschema-rs: the 4-microsecond answer that nearly always is "valid"."""

from functools import cache
from typing import Any

import jsonschema_rs

from labctl.api.quantity import MAX_LENGTH
from labctl.api.resource import Resource
from labctl.api.schema.definitions import Schema, definition_name, reachable

QUANTITY = r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([numkMGTPE]|[KMGTPE]i|[eE][+-]?[0-9]{1,2})?$"
BASE64 = r"^[A-Za-z0-9+/\r\n]*={0,2}[\r\n]*$"
INTEGER_LIMITS = {
    "int32": (-(2**31), 2**31 - 1),
    "int64": (-(2**63), 2**63 - 1),
}


@cache
def compiled(resource: Resource) -> jsonschema_rs.Draft4Validator | None:
    """The validator of a kind that refuses unknown fields too; None for a kind without schema.

    Draft 4, since there an integer is written without a fraction, as Go insists.
    """
    name = definition_name(resource)
    if name is None:
        return None
    definitions = {one: _strict(schema) for one, schema in reachable(name).items()}
    return jsonschema_rs.Draft4Validator(
        {"$ref": f"#/definitions/{name}", "definitions": definitions}, validate_formats=True
    )


def _strict(schema: Schema) -> Schema:
    """The schema as JSON Schema proper: no unknown members, formats spelled out."""
    result: Schema = {key: schema[key] for key in ("$ref", "type", "required") if schema.get(key)}
    result |= _FORMATS.get(schema.get("format", ""), {})
    if "items" in schema:
        result["items"] = _strict(schema["items"])
    if "properties" in schema:
        result["properties"] = {key: _strict(one) for key, one in schema["properties"].items()}
        result["additionalProperties"] = False
    if "additionalProperties" in schema:
        result["additionalProperties"] = _strict(schema["additionalProperties"])
    return result


_FORMATS: dict[str, dict[str, Any]] = {
    "quantity": {"pattern": QUANTITY, "maxLength": MAX_LENGTH},
    "byte": {"pattern": BASE64},
    "date-time": {"format": "date-time"},
    **{name: {"minimum": low, "maximum": high} for name, (low, high) in INTEGER_LIMITS.items()},
}
