"""Whether an object has the fields and types of its kind, and if not, every place where it differs.

jsonschema-rs gives the quick yes; only an object that fails is walked here in Python, to say in
Kubernetes' words what is wrong and where.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from labctl.api import causes
from labctl.api.causes import Cause
from labctl.api.objects import Obj, parse_time, without_nulls
from labctl.api.quantity import FORMAT_ERROR, parse_quantity
from labctl.api.resource import Resource
from labctl.api.schema.compiled import BASE64, INTEGER_LIMITS, compiled
from labctl.api.schema.definitions import OBJECT_META, Schema, definition_of, named, resolve


@dataclass(frozen=True)
class Problems:
    """What differs from the schema: wrong types, absent fields that are required, unknown ones."""

    types: tuple[Cause, ...] = ()
    required: tuple[Cause, ...] = ()
    unknown: tuple[str, ...] = ()


_NO_PROBLEMS = Problems()


def prepare(resource: Resource) -> None:
    """Compiles what `is_valid` needs for a kind, some milliseconds, before its first object comes."""
    compiled(resource)


def is_valid(resource: Resource, obj: Obj) -> bool:
    """Whether the object has only known fields of the right types, and all that are required."""
    validator = compiled(resource)
    if validator is None:
        return True
    try:
        return validator.is_valid(obj)
    except ValueError:  # what JSON cannot carry: nested beyond 255 levels, an endless integer
        return False


def problems(resource: Resource, obj: Any) -> Problems:
    """Everything in which the object differs from its kind's schema; nulls count as absent."""
    if is_valid(resource, obj):
        return _NO_PROBLEMS
    return _sorted(_walk(definition_of(resource) or {}, without_nulls(obj), ()))


def metadata_problems(obj: Obj) -> Problems:
    """The same of metadata alone, for an object whose kind is not known here."""
    metadata: Schema = {"properties": {"metadata": named(OBJECT_META)}, "type": "object"}
    found = _walk(metadata, without_nulls({"metadata": obj.get("metadata", {})}), ())
    return _sorted(found)


def _sorted(found: Iterable["_Found"]) -> Problems:
    types, required, unknown = list[Cause](), list[Cause](), list[str]()
    for path, make in found:
        if make is None:
            kind: list[Any] = unknown
        else:
            kind = required if make is causes.required else types
        if len(kind) < causes.MOST:
            field = causes.cut("".join(path).removeprefix("."))
            kind.append(field if make is None else make(field))
        elif kind is types:
            break  # nothing else is told where types are wrong
    return Problems(tuple(types), tuple(required), tuple(unknown))


# Put together only where it is told: names are a client's, and a path of long ones is megabytes.
_Steps = tuple[str, ...]
# Where something is wrong, and what; None of what is unknown there.
_Found = tuple[_Steps, Callable[[str], Cause] | None]


def _walk(schema: Schema, value: Any, path: _Steps) -> Iterator[_Found]:
    schema = resolve(schema)
    wanted = schema.get("type")
    if wanted is None:
        return  # any JSON
    if not _has_type(value, wanted):
        words = wanted if isinstance(wanted, str) else " or ".join(wanted)
        yield path, lambda field: causes.type_invalid(field, value, words)
    elif isinstance(value, dict):
        yield from _walk_object(schema, value, path)
    elif isinstance(value, list):
        items = schema.get("items", {})
        for index, item in enumerate(value):
            yield from _walk(items, item, (*path, f"[{index}]"))
    else:
        problem = _format_problem(schema.get("format", ""), value)
        if problem:
            yield path, lambda field: causes.invalid(field, value, problem)


_PYTHON_TYPES: Mapping[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
}


def _has_type(value: Any, wanted: str | list[str]) -> bool:
    names = (wanted,) if isinstance(wanted, str) else wanted
    return any(type(value) in _PYTHON_TYPES[name] for name in names)


def _walk_object(schema: Schema, value: Obj, path: _Steps) -> Iterator[_Found]:
    properties, others = schema.get("properties"), schema.get("additionalProperties")
    for key, member in value.items():
        if properties is not None and key in properties:
            yield from _walk(properties[key], member, (*path, f".{key}"))
        elif others is not None:
            yield from _walk(others, member, (*path, f"[{key}]"))
        elif properties is not None:
            yield (*path, f".{key}"), None
    for key in schema.get("required", ()):
        if key not in value:
            yield (*path, f".{key}"), causes.required


def _format_problem(name: str, value: Any) -> str:
    """What is wrong with a scalar of the right type, or ""."""
    if name in INTEGER_LIMITS:
        low, high = INTEGER_LIMITS[name]
        return "" if low <= value <= high else f"must fit {name}"
    if name == "quantity":
        return _quantity_problem(value)
    if name == "date-time":
        return _time_problem(value)
    if name == "byte" and not re.match(BASE64, value):
        return "must be base64"
    return ""


def _quantity_problem(value: str | float) -> str:
    try:
        parse_quantity(value)
    except ValueError:
        return FORMAT_ERROR
    return ""


def _time_problem(value: str) -> str:
    try:
        parse_time(value)
    except ValueError:
        return "must be a time as in RFC 3339: 2006-01-02T15:04:05Z"
    return ""
