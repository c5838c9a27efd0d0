"""Bodies in protobuf as Go writes them, made from objects by the table that reads them."""

from base64 import b64decode
from datetime import datetime
from typing import Any

import msgspec

from labctl.api.objects import Obj
from labctl.api.protobuf import MAGIC
from labctl.api.protobuf.messages import Field, fields_of, message_of
from labctl.api.protobuf.wire import encoded_varint, tagged


def body(obj: Obj) -> bytes:
    """The whole body, with its envelope."""
    name = message_of(obj["apiVersion"], obj["kind"])
    assert name is not None
    type_meta = tagged(1, obj["apiVersion"].encode()) + tagged(2, obj["kind"].encode())
    return MAGIC + tagged(1, type_meta) + tagged(2, message(name, obj))


def message(name: str, obj: Obj) -> bytes:
    """Every member that is there, in the order of the table."""
    parts = []
    for field in fields_of(name).values():
        if field.how == "inline":
            parts.append(tagged(field.number, message(field.type, obj)))
        elif field.name in obj:
            parts.extend(_member(field, obj[field.name]))
    return b"".join(parts)


def _member(field: Field, value: Any) -> list[bytes]:
    if field.how == "list":
        return [_single(field.number, field.type, one) for one in value]
    if field.how == "map":
        return [
            tagged(field.number, tagged(1, key.encode()) + _single(2, field.type, one))
            for key, one in value.items()
        ]
    return [_single(field.number, field.type, value)]


def _single(number: int, type_: str, value: Any) -> bytes:
    if type_ in {"bool", "int32", "int64"}:
        return integer(number, value)
    if type_ == "string":
        return tagged(number, value.encode())
    if type_ == "bytes":
        return tagged(number, b64decode(value))
    if "." in type_:
        return tagged(number, message(type_, value))
    return tagged(number, _own_form(type_, value))


def integer(number: int, value: int) -> bytes:
    """A negative one takes all 64 bits."""
    return encoded_varint(number << 3) + encoded_varint(int(value) & (1 << 64) - 1)


def _own_form(type_: str, value: Any) -> bytes:
    match type_:
        case "strings":
            return b"".join(tagged(1, one.encode()) for one in value)
        case "json":
            return tagged(1, msgspec.json.encode(value))
        case "quantity":
            return tagged(1, value.encode())
        case "intorstring" if isinstance(value, str):
            return integer(1, 1) + integer(2, 0) + tagged(3, value.encode())
        case "intorstring":
            return integer(1, 0) + integer(2, value) + tagged(3, b"")
        case "time" | "microtime":
            moment = datetime.fromisoformat(value)
            return integer(1, int(moment.timestamp())) + integer(2, moment.microsecond * 1000)
    raise AssertionError(type_)
