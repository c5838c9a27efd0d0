"""Members that a body says twice: JSON's readers take the last, and strict clients want to know."""

import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

import msgspec

from labctl.api.causes import MOST, cut

_SPACED_COLON = re.compile(rb'"\s+:')
_decode = msgspec.json.Decoder().decode


def duplicate_fields(body: Any) -> list[str]:
    """The first paths of members that a JSON body has twice; there are none in what is no JSON.

    Usually nothing but a count: as many colons after a quote, those in strings left aside, as there
    are in what was read of it.
    """
    if not isinstance(body, bytes):
        return []
    try:
        value = _decode(body)
    except msgspec.DecodeError:  # YAML, protobuf
        return []
    # Where no backslash stands for itself before a quote, a quote behind one is part of a string.
    plain = b'\\\\"' not in body and _SPACED_COLON.search(body) is None
    if plain and _count_names(body) == _count_names(_encoded(value)):
        return []
    found = islice(_duplicates(json.loads(body, object_pairs_hook=_Members), ()), MOST)
    return [cut("".join(path).removeprefix(".")) for path in found]


class _Members(list[tuple[str, Any]]):
    """An object of JSON with all of its members, those of the same name too."""


def _duplicates(value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if isinstance(value, _Members):
        seen = set()
        for name, inner in value:
            field = (*path, f".{name}")
            if name in seen:
                yield field
            seen.add(name)
            yield from _duplicates(inner, field)
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from _duplicates(item, (*path, f"[{place}]"))


def _encoded(value: Any) -> bytes:
    try:
        return msgspec.json.encode(value)
    except OverflowError:  # an integer that can be read and not be written
        return b""


def _count_names(text: bytes) -> int:
    return text.count(b'":') - text.count(b'\\":')
