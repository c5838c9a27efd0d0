"""A Swagger document in protobuf, which kubectl up to 1.26 insists on.

The messages are those of openapiv2/OpenAPIv2.proto (github.com/google/gnostic), as far as `swagger`
uses them. Each table says for a member of the JSON form its field number and how its value is
written; members that begin with `x-` go into the field for extensions.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from labctl.api.objects import Obj
from labctl.api.protobuf.wire import encoded_varint, tagged
from labctl.apiserver.openapi.swagger import INFO, SWAGGER, Named

Write = Callable[[Any], bytes]
Members = Mapping[str, tuple[int, Write]]


def as_protobuf(items: Iterable[Named], schemas: Iterable[Named]) -> bytes:
    """The bytes of a Document of these paths and definitions."""
    return b"".join(
        (
            tagged(1, SWAGGER.encode()),
            tagged(2, _write(INFO, _INFO)),
            tagged(8, _entries(2, items, _path_item)),
            tagged(9, _entries(1, schemas, _schema)),
        )
    )


def _write(value: Obj, members: Members, extensions: int = 0) -> bytes:
    """A message: every member that the table knows, one field each, a list as many fields."""
    parts = []
    for key, member in value.items():
        if key in members:
            number, write = members[key]
            if write is _true:
                parts.append(encoded_varint(number << 3) + _true(member))
            else:
                ones = member if isinstance(member, list) else (member,)
                parts.extend(tagged(number, write(one)) for one in ones)
        elif extensions and key.startswith("x-"):
            parts.append(tagged(extensions, _named(key, _any(member))))
    return b"".join(parts)


def _named(name: str, value: bytes) -> bytes:
    """An entry of what is a map in JSON."""
    return tagged(1, name.encode()) + tagged(2, value)


def _text(value: str) -> bytes:
    return value.encode()


def _true(value: object) -> bytes:
    return encoded_varint(1 if value else 0)


def _any(value: Any) -> bytes:
    """A value of any type, as the YAML that its JSON is."""
    return tagged(2, msgspec.json.encode(value))


def _entries(number: int, members: Iterable[tuple[str, Any]], write: Write) -> bytes:
    return b"".join([tagged(number, _named(name, write(one))) for name, one in members])


def _map_of(write: Write) -> Write:
    return lambda value: _entries(1, value.items(), write)


def _schema(value: Obj) -> bytes:
    return _write(value, _SCHEMA, 31)


def _wrapped_schema(value: Obj) -> bytes:
    """Items, additional properties and the schema of an answer stand in a message of their own."""
    return tagged(1, _schema(value)) if isinstance(value, dict) else b"\x10" + _true(value)


def _parameter(value: Obj) -> bytes:
    """ParametersItem: a choice within a choice, by where the parameter stands."""
    if value["in"] == "body":
        return tagged(1, tagged(1, _write(value, _BODY)))
    kind, members = (4, _IN_PATH) if value["in"] == "path" else (3, _IN_QUERY)
    return tagged(1, tagged(2, tagged(kind, _write(value, members))))


def _response(value: Obj) -> bytes:
    """ResponseValue: an answer that is told here and not elsewhere."""
    return tagged(1, _write(value, _RESPONSE))


def _operation(value: Obj) -> bytes:
    return _write(value, _OPERATION, 13)


def _path_item(value: Obj) -> bytes:
    return _write(value, _PATH_ITEM)


_SCHEMA: Members = {
    "$ref": (1, _text),
    "format": (2, _text),
    "title": (3, _text),
    "description": (4, _text),
    "pattern": (13, _text),
    "required": (19, _text),
    "enum": (20, _any),
    "additionalProperties": (21, _wrapped_schema),
    "type": (22, lambda value: tagged(1, _text(value))),
    "items": (23, _wrapped_schema),
    "properties": (25, _map_of(_schema)),
}
_BODY: Members = {
    "name": (2, _text),
    "in": (3, _text),
    "required": (4, _true),
    "schema": (5, _schema),
}
_IN_PATH: Members = {
    "required": (1, _true),
    "in": (2, _text),
    "name": (4, _text),
    "type": (5, _text),
}
_IN_QUERY: Members = {"in": (2, _text), "name": (4, _text), "type": (6, _text)}
_RESPONSE: Members = {"description": (1, _text), "schema": (2, _wrapped_schema)}
_OPERATION: Members = {
    "tags": (1, _text),
    "operationId": (5, _text),
    "produces": (6, _text),
    "consumes": (7, _text),
    "parameters": (8, _parameter),
    "responses": (9, _map_of(_response)),
}
_PATH_ITEM: Members = {
    "get": (2, _operation),
    "put": (3, _operation),
    "post": (4, _operation),
    "delete": (5, _operation),
    "patch": (8, _operation),
    "parameters": (9, _parameter),
}
_INFO: Members = {"title": (1, _text), "version": (2, _text)}
