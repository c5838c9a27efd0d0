"""Messages to objects, by the table of their fields.

A field knows how it comes: once, as a list, as entries of a map, or as a struct whose members are
those of the struct around it. Go writes a zero where nothing was set, unless the field is a pointer;
such a zero (`omitzero`) is left out here as Go's JSON leaves it out, while that of a pointer, such as
`replicas: 0`, means what it says.
"""

from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from labctl.api.objects import Obj
from labctl.api.protobuf.scalars import READERS
from labctl.api.protobuf.wire import Allowance, Malformed, Value, few_fields, fields, varints

_INTEGERS = frozenset({"int32", "int64", "bool"})


class Field(NamedTuple):
    """A row of the table; `type` is a scalar's or a message's name."""

    number: int
    name: str
    how: str
    type: str


class _Table(msgspec.Struct):
    groups: dict[str, str]
    messages: dict[str, msgspec.Raw]


def message_of(api_version: str, kind: str) -> str | None:
    """The message of a kind; None if nothing is known of it."""
    if kind == "DeleteOptions":  # one type in every group and version
        return "meta.v1.DeleteOptions"
    name = f"{_table().groups.get(api_version)}.{kind}"
    return name if name in _table().messages else None


def read_message(name: str, data: bytes, into: Obj, allowance: Allowance) -> Obj:
    """Adds what a message holds to an object and returns that; raises Malformed.

    What comes twice replaces or extends what came before, as protobuf has it.
    """
    known = fields_of(name)
    for number, value in fields(data, allowance):
        field = known.get(number)
        if field is not None:
            _put(field, value, into, allowance)
    return into


def _put(field: Field, value: Value, into: Obj, allowance: Allowance) -> None:
    match field.how:
        case "one":
            into[field.name] = _read(field.type, value, allowance, into.get(field.name))
        case "omitzero":
            if read := READERS[field.type](value):
                into[field.name] = read
            else:
                into.pop(field.name, None)
        case "list":
            into.setdefault(field.name, []).extend(_items(field.type, value, allowance))
        case "map":
            key, member = _entry(field.type, value, allowance)
            into.setdefault(field.name, {})[key] = member
        case "inline":
            read_message(field.type, _content(value), into, allowance)


def _read(type_: str, value: Value, allowance: Allowance, before: Any = None) -> Any:
    reader = READERS.get(type_)
    if reader is not None:
        read = reader(value)
        if type(read) is list:
            allowance.take(len(read))
        return read
    return read_message(type_, _content(value), {} if before is None else before, allowance)


def _items(type_: str, value: Value, allowance: Allowance) -> list[Any]:
    """One item, or all the integers of a packed list."""
    if type_ in _INTEGERS and isinstance(value, bytes):
        return [READERS[type_](one) for one in varints(value, allowance)]
    return [_read(type_, value, allowance)]


def _entry(type_: str, value: Value, allowance: Allowance) -> tuple[str, Any]:
    parts = few_fields(_content(value))
    empty: Value = 0 if type_ in _INTEGERS else b""
    return READERS["string"](parts.get(1, b"")), _read(type_, parts.get(2, empty), allowance)


def _content(value: Value) -> bytes:
    if isinstance(value, bytes):
        return value
    raise Malformed("wrong wireType for a message")


@cache
def fields_of(name: str) -> dict[int, Field]:
    rows = msgspec.json.decode(_table().messages[name], type=list[Field])
    return {row.number: row for row in rows}


@cache
def _table() -> _Table:
    data = Path(__file__).with_name("messages.json").read_bytes()
    return msgspec.json.decode(data, type=_Table)
