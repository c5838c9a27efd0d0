"""Structural schemas as JSON Schema proper, compiled by jsonschema-rs once per version of a kind."""

import ipaddress
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import jsonschema_rs

from labctl.api.custom.type import CustomType
from labctl.api.schema.definitions import Schema

INT_OR_STRING = "x-kubernetes-int-or-string"

_KEPT = (
    "type", "enum", "format", "required", "minimum", "maximum", "multipleOf", "pattern",
    "minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties",
)  # fmt: skip
_NESTED = ("items", "not")
_JUNCTORS = ("allOf", "anyOf", "oneOf")


@lru_cache(maxsize=1024)  # kinds come and go with their definitions
def validator_of(custom: CustomType) -> jsonschema_rs.Draft7Validator:
    """The validator of a version of a kind."""
    return compile_schema(custom.schema)


def compile_schema(schema: Schema) -> jsonschema_rs.Draft7Validator:
    """A structural schema compiled; raises ValueError if it is none, such as for a bad pattern.

    Patterns are matched in linear time, as Go's are: they come from users.
    """
    return jsonschema_rs.Draft7Validator(
        json_schema(schema),
        validate_formats=True,
        formats=_FORMATS,
        pattern_options=jsonschema_rs.RegexOptions(),
    )


def json_schema(schema: Schema) -> Schema:
    """A structural schema in the words of JSON Schema draft 7, without what is not for validation."""
    result: Schema = {key: schema[key] for key in _KEPT if schema.get(key) is not None}
    if schema.get(INT_OR_STRING):
        result["type"] = ["integer", "string"]
    if schema.get("nullable"):
        result |= _nullable(result)
    for bound in ("Minimum", "Maximum"):
        if schema.get(f"exclusive{bound}") and bound.lower() in result:
            result[f"exclusive{bound}"] = result.pop(bound.lower())
    result |= {key: json_schema(schema[key]) for key in _NESTED if schema.get(key)}
    result |= {
        key: [json_schema(one) for one in schema[key]] for key in _JUNCTORS if schema.get(key)
    }
    if schema.get("properties"):
        members = schema["properties"].items()
        result["properties"] = {name: json_schema(one) for name, one in members}
    if isinstance(schema.get("additionalProperties"), dict):
        result["additionalProperties"] = json_schema(schema["additionalProperties"])
    return result


def _nullable(schema: Schema) -> Schema:
    loose: Schema = {}
    if "type" in schema:
        types = schema["type"]
        loose["type"] = [*([types] if isinstance(types, str) else types), "null"]
    if "enum" in schema:
        loose["enum"] = [*schema["enum"], None]
    return loose


def _matching(pattern: str) -> Callable[[str], bool]:
    compiled = re.compile(pattern)
    return lambda text: compiled.fullmatch(text) is not None


def _is_network(text: str) -> bool:
    if "/" not in text:
        return False
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True


# Formats that JSON Schema does not have, or not so (k8s.io/kube-openapi/pkg/validation/strfmt).
_FORMATS: dict[str, Any] = {
    "byte": _matching(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?"),
    "cidr": _is_network,
    "duration": _matching(r"[-+]?(?:\d+(?:\.\d*)?\s*(?:ns|us|µs|ms|s|m|h|d|w)\s*)+|0"),
    "mac": _matching(r"[0-9A-Fa-f]{2}(?:[:-][0-9A-Fa-f]{2}){5}"),
    "uuid": _matching(r"(?i:[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12})"),
}
