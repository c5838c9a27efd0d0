"""What is wrong with an object: causes, in the words of Kubernetes' field errors.

A cause becomes an entry of a Status' `details.causes`; the wording follows
k8s.io/apimachinery/pkg/util/validation/field/errors.go, on which people and tests match.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any

import msgspec

MOST = 100  # that are told of one object: who has mended these is told of the next ones
_LONGEST = 1_000  # characters of a field's path, and of a value that is shown


@dataclass(frozen=True)
class Cause:
    """One thing wrong: `field` is a path (`spec.ports[0].port`), `reason` Kubernetes' own word."""

    field: str
    reason: str
    message: str

    def __str__(self) -> str:
        return f"{cut(self.field)}: {self.message}" if self.field else self.message


def listed(causes: Iterable[Cause]) -> list[dict[str, str]]:
    """The causes as a Status' details hold them."""
    return [
        {"reason": one.reason, "message": one.message, "field": cut(one.field)} for one in causes
    ]


def first(causes: Iterable[Cause]) -> list[Cause]:
    """As many of them as are told; no others are looked for."""
    return list(islice(causes, MOST))


def cut(text: str) -> str:
    """A text of a client's that an answer repeats, which may be megabytes long."""
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def required(field: str, detail: str = "") -> Cause:
    return Cause(field, "FieldValueRequired", "Required value" + (detail and f": {detail}"))


def invalid(field: str, value: Any, detail: str) -> Cause:
    return Cause(field, "FieldValueInvalid", f"Invalid value: {shown(value)}: {detail}")


def type_invalid(field: str, value: Any, wanted: str) -> Cause:
    """A value of the wrong type, worded as schema validation of custom resources words it."""
    name = type_name(value)
    where = f"{cut(field)} in body" if field else "body"
    return Cause(
        field,
        "FieldValueTypeInvalid",
        f'Invalid value: "{name}": {where} must be of type {wanted}: "{name}"',
    )


def not_supported(field: str, value: Any, supported: Iterable[str]) -> Cause:
    listed = ", ".join(shown(one) for one in supported)
    return Cause(
        field,
        "FieldValueNotSupported",
        f"Unsupported value: {shown(value)}: supported values: {listed}",
    )


def duplicate(field: str, value: Any) -> Cause:
    return Cause(field, "FieldValueDuplicate", f"Duplicate value: {shown(value)}")


def not_found(field: str, value: Any) -> Cause:
    return Cause(field, "FieldValueNotFound", f"Not found: {shown(value)}")


def forbidden(field: str, detail: str) -> Cause:
    return Cause(field, "FieldValueForbidden", f"Forbidden: {detail}")


def too_long(field: str, limit: int) -> Cause:
    return Cause(field, "FieldValueTooLong", f"Too long: may not be more than {limit} bytes")


def too_many(field: str, count: int, limit: int) -> Cause:
    sentence = f"Too many: {count}: must have at most {limit} items"
    return Cause(field, "FieldValueTooMany", sentence)


def shown(value: Any) -> str:
    """A value as Go's field errors print it: strings quoted, everything else as JSON."""
    return cut(msgspec.json.encode(value).decode())


_TYPE_NAMES = {
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
    type(None): "null",
}


def type_name(value: Any) -> str:
    """JSON Schema's word for the type of a decoded JSON value."""
    return _TYPE_NAMES.get(type(value), type(value).__name__)
