"""What is a single value in JSON: each type's form on the wire to its form in JSON.

Kubernetes' own types among them are messages on the wire (a Time is seconds and nanoseconds, a
Quantity wraps its text), and say in code what their JSON is; see MarshalJSON in
k8s.io/apimachinery. A reader raises Malformed for what its type cannot be.
"""

from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec

from labctl.api.protobuf.wire import Allowance, Malformed, Value, few_fields, fields

_decode_json = msgspec.json.Decoder().decode

Reader = Callable[[Value], Any]


def _integer(value: Value) -> int:
    if isinstance(value, int):
        return value
    raise Malformed("wrong wireType for an integer")


def _bytes(value: Value) -> bytes:
    if isinstance(value, bytes):
        return value
    raise Malformed("wrong wireType for a field of bytes")


def _signed(value: int, bits: int) -> int:
    """The integer in two's complement; what does not fit is cut off, as Go does."""
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def _string(value: Value) -> str:
    try:
        return _bytes(value).decode()
    except UnicodeDecodeError:
        raise Malformed("invalid UTF-8") from None


def _strings(value: Value) -> list[str]:
    """A list that is a message of its own, so that an empty one can be told from none."""
    return [_string(item) for number, item in fields(_bytes(value), Allowance()) if number == 1]


def _embedded_json(value: Value) -> Any:
    """RawExtension and FieldsV1 carry bytes, and these are JSON."""
    raw = b"".join(
        _bytes(part) for number, part in fields(_bytes(value), Allowance()) if number == 1
    )
    try:
        return _decode_json(raw) if raw else None
    except (msgspec.DecodeError, RecursionError) as error:
        raise Malformed(f"an embedded object is no JSON: {error}") from None


def _quantity(value: Value) -> str:
    text = few_fields(_bytes(value)).get(1, b"0")
    return _string(text) or "0"


def _int_or_string(value: Value) -> int | str:
    parts = few_fields(_bytes(value))
    if _integer(parts.get(1, 0)):
        return _string(parts.get(3, b""))
    return _signed(_integer(parts.get(2, 0)), 32)


def _time(value: Value) -> str | None:
    """RFC 3339 in whole seconds; null for the zero time, which is an empty message."""
    moment = _moment(_bytes(value))
    return None if moment is None else f"{moment:%Y-%m-%dT%H:%M:%S}Z"


def _micro_time(value: Value) -> str | None:
    moment = _moment(_bytes(value))
    return None if moment is None else f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z"


def _moment(data: bytes) -> datetime | None:
    if not data:
        return None
    parts = few_fields(data)
    seconds = _signed(_integer(parts.get(1, 0)), 64)
    nanos = _signed(_integer(parts.get(2, 0)), 32)
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        raise Malformed("a time is out of range") from None
    if not 0 <= nanos < 1_000_000_000:
        raise Malformed("a time is out of range")
    return moment.replace(microsecond=nanos // 1000)


READERS: dict[str, Reader] = {
    "string": _string,
    "bool": lambda value: _integer(value) != 0,
    "int32": lambda value: _signed(_integer(value), 32),
    "int64": lambda value: _signed(_integer(value), 64),
    "bytes": lambda value: b64encode(_bytes(value)).decode(),
    "strings": _strings,
    "time": _time,
    "microtime": _micro_time,
    "quantity": _quantity,
    "intorstring": _int_or_string,
    "json": _embedded_json,
}
