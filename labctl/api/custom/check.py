"""Whether a custom object keeps to its structural schema, in Kubernetes' own words where not.

jsonschema-rs finds what is wrong; the words are those of kube-openapi's validation errors, as
apiextensions-apiserver/pkg/apiserver/validation hands them on.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jsonschema_rs

from labctl.api import causes
from labctl.api.causes import Cause
from labctl.api.custom.compiled import compile_schema, validator_of
from labctl.api.custom.lists import list_problems
from labctl.api.custom.type import CustomType
from labctl.api.fields import Path, format_path
from labctl.api.objects import Obj
from labctl.api.schema.definitions import Schema

_ENDLESS = "cannot be carried by JSON"


def schema_problems(custom: CustomType, obj: Obj, old: Obj | None = None) -> Iterator[Cause]:
    """Everything in which an object breaks its schema.

    Ratcheting (KEP-4008): what is wrong in a value that `old` had already is let pass.
    """
    yield from _found(validator_of(custom), obj, (), old)
    yield from list_problems(custom.schema, obj, ())


def default_problems(schema: Schema, path: Path) -> Iterator[Cause]:
    """In what a schema's own default breaks it; `path` is that of the default."""
    yield from _found(compile_schema(schema), schema["default"], path, None)


def _found(
    validator: jsonschema_rs.Draft7Validator, value: Any, base: Path, old: Obj | None
) -> Iterator[Cause]:
    try:
        if validator.is_valid(value):
            return
        errors = validator.iter_errors(value)
    except ValueError:  # nested beyond 255 levels, an endless integer
        yield Cause(format_path(base), "FieldValueInvalid", f"Invalid value: {_ENDLESS}")
        return
    for error in errors:
        path = tuple(error.instance_path)
        if old is None or not _is_unchanged(path, value, old):
            yield _cause(error, (*base, *path))


def _is_unchanged(path: Path, new: Any, old: Any) -> bool:
    """Whether the value at a path is as it was; items of lists are known only by their list."""
    for step in path:
        if not isinstance(step, str) or not isinstance(old, dict) or step not in old:
            break
        new, old = new[step], old[step]
    else:
        return bool(new == old) and bool(path)
    return isinstance(step, int) and bool(new == old)


def _cause(error: jsonschema_rs.ValidationError, path: Path) -> Cause:
    kind: Any = error.kind
    say = _WORDS.get(kind.name)
    if say is not None:
        return say(path, error.instance, kind.value)
    return causes.invalid(format_path(path), error.instance, error.message)


def _type(path: Path, value: Any, types: Any) -> Cause:
    wanted = [one for one in types if one != "null"] if isinstance(types, list) else [types]
    return causes.type_invalid(format_path(path), value, ",".join(wanted))


def _required(path: Path, _: Any, member: str) -> Cause:
    return causes.required(format_path((*path, member)))


def _enum(path: Path, value: Any, options: list[Any]) -> Cause:
    return causes.not_supported(
        format_path(path), value, [one for one in options if one is not None]
    )


def _in_body(sentence: str) -> Callable[[Path, Any, Any], Cause]:
    def say(path: Path, value: Any, limit: Any) -> Cause:
        field = format_path(path)
        shown = limit if isinstance(limit, str) else causes.shown(limit)
        return causes.invalid(field, value, f"{field} in body {sentence.format(shown)}")

    return say


def _count(sentence: str) -> Callable[[Path, Any, Any], Cause]:
    """As `_in_body`, of how many there are and not of the value itself."""
    say = _in_body(sentence)
    return lambda path, value, limit: say(path, len(value), limit)


def _too_many(path: Path, value: Any, limit: int) -> Cause:
    return causes.too_many(format_path(path), len(value), limit)


def _too_long(path: Path, _: Any, limit: int) -> Cause:
    return causes.too_long(format_path(path), limit)


def _format(path: Path, value: Any, name: str) -> Cause:
    field = format_path(path)
    shown = causes.shown(value)
    return causes.invalid(field, value, f"{field} in body must be of type {name}: {shown}")


def _junctor(sentence: str) -> Callable[[Path, Any, Any], Cause]:
    def say(path: Path, _: Any, __: Any) -> Cause:
        field = format_path(path)
        return causes.invalid(field, "", f'"{field}" {sentence}')

    return say


_WORDS: Mapping[str, Callable[[Path, Any, Any], Cause]] = {
    "type": _type,
    "required": _required,
    "enum": _enum,
    "format": _format,
    "pattern": _in_body("should match '{}'"),
    "minimum": _in_body("should be greater than or equal to {}"),
    "maximum": _in_body("should be less than or equal to {}"),
    "exclusiveMinimum": _in_body("should be greater than {}"),
    "exclusiveMaximum": _in_body("should be less than {}"),
    "multipleOf": _in_body("should be a multiple of {}"),
    "minLength": _in_body("should be at least {} chars long"),
    "minItems": _count("should have at least {} items"),
    "minProperties": _count("should have at least {} properties"),
    "maxLength": _too_long,
    "maxItems": _too_many,
    "maxProperties": _too_many,
    "anyOf": _junctor("must validate at least one schema (anyOf)"),
    "oneOf": _junctor("must validate one and only one schema (oneOf)"),
    "allOf": _junctor("must validate all the schemas (allOf)"),
    "not": _junctor("must not validate the schema (not)"),
}
