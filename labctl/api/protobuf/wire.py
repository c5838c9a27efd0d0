"""Protobuf's wire format: fields with a number, each a varint or a run of bytes.

As in protobuf.dev/programming-guides/encoding. Reading is by a cursor over bytes; whatever a
length or a varint claims beyond what is there is Malformed, and so are groups, which nothing in
Kubernetes uses.
"""

from collections.abc import Iterator

from labctl.api.bounds import MAX_VALUES

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_FIXED = {FIXED64: 8, FIXED32: 4}
_MAX_VARINT = 10  # bytes, of 64 bits
_MAX_NUMBER = 2**29 - 1

_MAX_FIELDS = 16  # of a message that is one value in JSON; none has more than three

Value = int | bytes


class Malformed(ValueError):
    """These bytes are no message of the type that they should be."""


class Allowance:
    """What one body may still hold: a field of two bytes costs as much as any other."""

    def __init__(self, left: int = MAX_VALUES) -> None:
        self._left = left

    def take(self, count: int = 1) -> None:
        """Raises Malformed when that is more than is left."""
        self._left -= count
        if self._left < 0:
            raise Malformed(f"more than {MAX_VALUES} values")


def few_fields(data: bytes) -> dict[int, Value]:
    """The fields of a message that is one value in JSON; raises Malformed."""
    return dict(fields(data, Allowance(_MAX_FIELDS)))


def fields(data: bytes, allowance: Allowance) -> Iterator[tuple[int, Value]]:
    """The fields of a message as they come; raises Malformed."""
    at, end = 0, len(data)
    while at < end:
        allowance.take()
        tag, at = varint(data, at)
        number, form = tag >> 3, tag & 7
        if not 0 < number <= _MAX_NUMBER:
            raise Malformed(f"illegal tag {number}")
        if form == VARINT:
            value, at = varint(data, at)
            yield number, value
            continue
        if form == BYTES:
            size, at = varint(data, at)
        elif form in _FIXED:
            size = _FIXED[form]
        else:
            raise Malformed(f"illegal wireType {form}")
        if size > end - at:
            raise Malformed("unexpected EOF")
        yield number, data[at : at + size]
        at += size


def varint(data: bytes, at: int) -> tuple[int, int]:
    """The unsigned integer of up to 64 bits at `at`, and where it ends; raises Malformed."""
    if at < len(data) and data[at] < 0x80:
        return data[at], at + 1  # nearly all are that small
    value = shift = 0
    for byte in data[at : at + _MAX_VARINT]:
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, at + shift // 7 + 1
        shift += 7
    raise Malformed("integer overflow" if shift == 7 * _MAX_VARINT else "unexpected EOF")


def varints(data: bytes, allowance: Allowance) -> Iterator[int]:
    """The integers of a packed list."""
    at = 0
    while at < len(data):
        allowance.take()
        value, at = varint(data, at)
        yield value


def tagged(number: int, content: bytes) -> bytes:
    """A field that holds bytes: text or a message."""
    return encoded_varint(number << 3 | BYTES) + encoded_varint(len(content)) + content


def encoded_varint(value: int) -> bytes:
    """An unsigned integer on the wire."""
    groups = bytearray()
    while value > 0x7F:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    groups.append(value)
    return bytes(groups)
