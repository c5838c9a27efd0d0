"""Whether a schema is structural (KEP-1693): what apiextensions-apiserver's schema validation asks.

A structural schema says the type of every field outside of allOf, anyOf, oneOf and not, and within
these only narrows what is there.
"""

import re
from collections.abc import Iterator
from enum import Enum
from typing import Any

from labctl.api import causes
from labctl.api.causes import Cause
from labctl.api.custom.check import default_problems
from labctl.api.custom.compiled import INT_OR_STRING, compile_schema
from labctl.api.custom.lists import LIST_TYPE, MAP_KEYS
from labctl.api.custom.prune import EMBEDDED, PRESERVE, prune_default
from labctl.api.schema.definitions import Schema

_TYPES = ("array", "boolean", "integer", "number", "object", "string")
_LIST_TYPES = ("atomic", "map", "set")
_MAP_TYPES = ("atomic", "granular")
_JUNCTORS = ("allOf", "anyOf", "oneOf")
_UNSUPPORTED = (
    "$ref", "$schema", "id", "additionalItems", "definitions", "dependencies", "patternProperties",
)  # fmt: skip
# What may be said of a field only once, outside of the junctors.
_ONCE = {
    "type": "must be empty to be structural",
    "title": "must be empty to be structural",
    "description": "must be empty to be structural",
    "default": "must be undefined to be structural",
    "nullable": "must be false to be structural",
    "externalDocs": "must be undefined to be structural",
    "additionalProperties": "must be undefined to be structural",
    PRESERVE: "must be false to be structural",
    EMBEDDED: "must be false to be structural",
    INT_OR_STRING: "must be false to be structural",
    MAP_KEYS: "must be empty to be structural",
    LIST_TYPE: "must be undefined to be structural",
    "x-kubernetes-map-type": "must be undefined to be structural",
    "x-kubernetes-validations": "must be empty to be structural",
}
_EITHER = [{"type": "integer"}, {"type": "string"}]
_QUADRATIC = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"


class _Level(Enum):
    ROOT = "must not be empty at the root"
    ITEM = "must not be empty for specified array items"
    FIELD = "must not be empty for specified object fields"


def structural_problems(schema: Schema, path: str) -> list[Cause]:
    """Everything that keeps a schema from being structural, in the order of the fields."""
    found = sorted(set(_invariants(schema, _Level.ROOT, path)), key=str)
    return found or _uncompilable(schema, path)


def _uncompilable(schema: Schema, path: str) -> list[Cause]:
    """A last look at what the rules let pass: what cannot be compiled would refuse every object."""
    try:
        compile_schema(schema)
    except ValueError as error:
        return [causes.invalid(path, "", f"error building validator: {str(error).splitlines()[0]}")]
    return []


def _invariants(schema: Schema, level: _Level, path: str) -> Iterator[Cause]:
    yield from _keywords(schema, path)
    yield from _type(schema, level, path)
    yield from _extensions(schema, path)
    yield from _lists(schema, path)
    yield from _metadata(schema, level, path)
    yield from _default(schema, path)
    yield from _junctors(schema, schema, path)
    yield from _members(schema, level, path)


def _keywords(schema: Schema, path: str) -> Iterator[Cause]:
    for word in _UNSUPPORTED:
        if word in schema:
            yield causes.forbidden(f"{path}.{word}", f"{word.lstrip('$')} is not supported")
    if schema.get("uniqueItems"):
        yield causes.forbidden(f"{path}.uniqueItems", _QUADRATIC)
    pattern = schema.get("pattern")
    if pattern is not None:
        yield from _pattern(pattern, f"{path}.pattern")


def _pattern(pattern: str, path: str) -> Iterator[Cause]:
    try:
        compile_schema({"pattern": pattern})
    except ValueError:
        sentence = "must be a valid regular expression, but isn't: error parsing regexp"
        yield causes.invalid(path, pattern, sentence)


def _type(schema: Schema, level: _Level, path: str) -> Iterator[Cause]:
    kind, at = schema.get("type") or "", f"{path}.type"
    if schema.get(EMBEDDED) and kind != "object":
        sentence = f"must be object if {EMBEDDED} is true"
        yield causes.invalid(at, kind, sentence) if kind else causes.required(at, sentence)
    elif not kind and not schema.get(INT_OR_STRING) and not schema.get(PRESERVE):
        yield causes.required(at, level.value)
    elif kind == "null":
        yield causes.forbidden(at, "type cannot be set to null, use nullable as an alternative")
    elif kind and kind not in _TYPES:
        yield causes.not_supported(at, kind, _TYPES)
    elif kind and level is _Level.ROOT and kind != "object":
        yield causes.invalid(at, kind, "must be object at the root")
    if schema.get("nullable") and level is _Level.ROOT:
        yield causes.forbidden(f"{path}.nullable", "nullable cannot be true at the root")


def _extensions(schema: Schema, path: str) -> Iterator[Cause]:
    for other in (PRESERVE, EMBEDDED):
        if schema.get(INT_OR_STRING) and schema.get(other):
            yield causes.invalid(
                f"{path}.{other}", True, f"must be false if {INT_OR_STRING} is true"
            )
    if schema.get(PRESERVE) is False:
        yield causes.invalid(f"{path}.{PRESERVE}", False, "must be true or undefined")
    if schema.get(EMBEDDED) and not schema.get(PRESERVE) and not schema.get("properties"):
        sentence = f"must not be empty if {EMBEDDED} is true without {PRESERVE}"
        yield causes.required(f"{path}.properties", sentence)
    if schema.get(EMBEDDED) and "additionalProperties" in schema:
        sentence = f"must not be used if {EMBEDDED} is set"
        yield causes.forbidden(f"{path}.additionalProperties", sentence)


def _lists(schema: Schema, path: str) -> Iterator[Cause]:
    kind, keys = schema.get(LIST_TYPE), schema.get(MAP_KEYS)
    map_type = schema.get("x-kubernetes-map-type")
    if map_type is not None and map_type not in _MAP_TYPES:
        yield causes.not_supported(f"{path}.x-kubernetes-map-type", map_type, _MAP_TYPES)
    if kind is not None and kind not in _LIST_TYPES:
        yield causes.not_supported(f"{path}.{LIST_TYPE}", kind, _LIST_TYPES)
    if kind is not None and schema.get("type") != "array":
        sentence = f"must be array if {LIST_TYPE} is specified"
        yield causes.invalid(f"{path}.type", schema.get("type") or "", sentence)
    if kind == "map":
        yield from _map_keys(schema, path)
    elif keys:
        sentence = f"must be map if {MAP_KEYS} is non-empty"
        yield causes.invalid(f"{path}.{LIST_TYPE}", kind or "", sentence)


def _map_keys(schema: Schema, path: str) -> Iterator[Cause]:
    keys, items = schema.get(MAP_KEYS) or (), schema.get("items") or {}
    if not keys:
        sentence = f"must not be empty if {LIST_TYPE} is map"
        yield causes.required(f"{path}.{MAP_KEYS}", sentence)
    known = items.get("properties") or {}
    for index, key in enumerate(keys):
        if key not in known:
            sentence = "entries must all be names of item properties"
            yield causes.invalid(f"{path}.{MAP_KEYS}[{index}]", key, sentence)
        elif key not in (items.get("required") or ()) and "default" not in known[key]:
            sentence = f"this property is in {MAP_KEYS}, so it must have a default or be a required property"
            yield causes.required(f"{path}.items.properties[{key}].default", sentence)


def _metadata(schema: Schema, level: _Level, path: str) -> Iterator[Cause]:
    properties = schema.get("properties") or {}
    if level is not _Level.ROOT and not schema.get(EMBEDDED):
        return
    for name, kind in (("apiVersion", "string"), ("kind", "string"), ("metadata", "object")):
        given = properties.get(name, {}).get("type", "")
        if name in properties and given != kind:
            yield causes.invalid(f"{path}.properties[{name}].type", given, f"must be {kind}")
    metadata = properties.get("metadata") or {}
    others = set(metadata) - {"type", "properties", "description"}
    others |= set(metadata.get("properties") or ()) - {"name", "generateName"}
    if level is _Level.ROOT and others:
        sentence = (
            "must not specify anything other than name and generateName, "
            "but metadata is implicitly specified"
        )
        yield causes.forbidden(f"{path}.properties[metadata]", sentence)


def _default(schema: Schema, path: str) -> Iterator[Cause]:
    if "default" not in schema:
        return
    at = f"{path}.default"
    unknown = prune_default(schema, schema["default"]).unknown
    if unknown:
        sentence = "must not have unknown fields"
        yield causes.invalid(at, schema["default"], sentence)
        return
    try:
        problems = list(default_problems(schema, ()))
    except ValueError:
        return  # the schema itself is at fault, which is said elsewhere
    for cause in problems:
        field = f"{at}.{cause.field}" if cause.field else at
        message = cause.message.replace(": body must", f": {at} in body must")
        yield Cause(field, cause.reason, message)


def _members(schema: Schema, level: _Level, path: str) -> Iterator[Cause]:
    if schema.get("type") == "array" and not schema.get("items"):
        yield causes.required(f"{path}.items", "must be specified")
    if schema.get("items"):
        yield from _invariants(schema["items"], _Level.ITEM, f"{path}.items")
    for name, inner in (schema.get("properties") or {}).items():
        yield from _invariants(inner, _Level.FIELD, f"{path}.properties[{name}]")
    others, at = schema.get("additionalProperties"), f"{path}.additionalProperties"
    if others is None:
        return
    if level is _Level.ROOT:
        yield causes.forbidden(at, "must not be used at the root")
    if schema.get("properties") and others is not True:
        sentence = "additionalProperties and properties are mutual exclusive"
        yield causes.forbidden(at, sentence)
    if isinstance(others, dict):
        yield from _invariants(others, _Level.FIELD, at)


def _junctors(schema: Schema, outer: Schema, path: str) -> Iterator[Cause]:
    """`outer` is what is said of the same value outside of all junctors."""
    for word in _JUNCTORS:
        for index, inner in enumerate(schema.get(word) or ()):
            at = f"{path}.{word}[{index}]"
            yield from _nested(inner, outer, at)
    if schema.get("not"):
        yield from _nested(schema["not"], outer, f"{path}.not")


def _nested(schema: Schema, outer: Schema | None, path: str) -> Iterator[Cause]:
    if outer is not None and outer.get(INT_OR_STRING) and schema in _EITHER:
        return
    for word, sentence in _ONCE.items():
        if schema.get(word) not in (None, False, "", [], {}) or (word == "default" in schema):
            yield causes.forbidden(f"{path}.{word}", sentence)
    yield from _keywords(schema, path)
    yield from _junctors(schema, outer or {}, path)
    if schema.get("items"):
        yield from _narrowing(schema["items"], (outer or {}).get("items"), f"{path}.items")
    for name, inner in (schema.get("properties") or {}).items():
        at = f"{path}.properties[{name}]"
        if name == "metadata":
            yield causes.forbidden(at, "must not be specified in a nested context")
        yield from _narrowing(inner, _field(outer or {}, name), at)


def _field(schema: Schema, name: str) -> Any:
    return (schema.get("properties") or {}).get(name)


def _narrowing(inner: Schema, outer: Schema | None, path: str) -> Iterator[Cause]:
    """What is narrowed must have been specified (structural completeness)."""
    if outer is None:
        structure = re.sub(r"\.(?:(?:all|any|one)Of\[\d+\]|not)", "", path)
        yield causes.required(structure, f"because it is defined in {path}")
    yield from _nested(inner, outer, path)
