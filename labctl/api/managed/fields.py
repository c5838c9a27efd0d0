"""Sets of fields, in the form in which managedFields keep them (FieldsV1).

A set is a tree of path elements: `f:name` a member, `k:{"name":"x"}` an item by its keys, `v:"x"`
an item by its value, `i:0` by its place. A node is in the set itself if it is empty or holds `.`;
whatever else it holds is below it. Trees share branches, so nobody may change one.
sigs.k8s.io/structured-merge-diff/fieldpath.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

Fields = dict[str, Any]  # str → Fields

LEAF: Fields = {}
SELF = "."

_encode = msgspec.json.Encoder(order="sorted").encode


def is_member(node: Fields) -> bool:
    """Whether a node of a tree is in the set itself."""
    return not node or SELF in node


def as_member(node: Fields) -> Fields:
    """The node, in the set itself too."""
    return node if is_member(node) else {SELF: LEAF, **node}


def union(one: Fields, other: Fields) -> Fields:
    if not one:
        return other
    return _joined(one, other) if other else one


def _joined(one: Fields, other: Fields) -> Fields:
    """Two nodes as one; below the root an empty node is a member."""
    if one == other:
        return one
    if not one or not other:
        return as_member(one or other)
    result = dict(one)
    for element, node in other.items():
        present = result.get(element)
        result[element] = node if present is None else _joined(present, node)
    return result


def difference(one: Fields, other: Fields) -> Fields:
    """What is in one set and not, at the very same path, in the other."""
    if not one or not other:
        return one
    return _without(one, other, inside=False) or {}


def _without(one: Fields, other: Fields, *, inside: bool) -> Fields | None:
    """The rest of a node, the node itself if nothing goes; None if nothing is left."""
    stays = inside and is_member(one) and not is_member(other)
    result: Fields = {SELF: LEAF} if stays else {}
    changed = inside and is_member(one) and not stays
    for element, node in one.items():
        if element == SELF:
            continue
        against = other.get(element)
        rest = node if against is None else _without(node, against, inside=True)
        changed = changed or rest is not node
        if rest is not None:
            result[element] = rest
    if not changed:
        return one
    if not result:
        return None
    return LEAF if len(result) == 1 and SELF in result else result


def intersection(one: Fields, other: Fields) -> Fields:
    if not one or not other:
        return {}
    return _common(one, other, inside=False) or {}


def _common(one: Fields, other: Fields, *, inside: bool) -> Fields | None:
    both = inside and is_member(one) and is_member(other)
    result: Fields = {SELF: LEAF} if both else {}
    for element, node in one.items():
        against = None if element == SELF else other.get(element)
        shared = None if against is None else _common(node, against, inside=True)
        if shared is not None:
            result[element] = shared
    if not result:
        return None
    return LEAF if len(result) == 1 and both else result


def paths(fields: Fields, prefix: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The paths that are in the set, shallow ones first."""
    inner = [(element, node) for element, node in sorted(fields.items()) if element != SELF]
    yield from ((*prefix, element) for element, node in inner if is_member(node))
    for element, node in inner:
        yield from paths(node, (*prefix, element))


def format_path(path: tuple[str, ...]) -> str:
    """`.spec.containers[name="web"].image`, as conflicts name a field."""
    return "".join(_format(element) for element in path)


def _format(element: str) -> str:
    kind, text = element[:2], element[2:]
    if kind == "f:":
        return f".{text}"
    if kind == "k:":
        keys = msgspec.json.decode(text)
        return "[" + ",".join(f"{key}={_text(value)}" for key, value in keys.items()) + "]"
    return f"[={text}]" if kind == "v:" else f"[{text}]"


def _text(value: Any) -> str:
    return _encode(value).decode()


def read_fields(value: Any) -> Fields:
    """A set that a client sent, in this module's own form; ValueError, TypeError if it is none."""
    if not isinstance(value, dict):
        raise TypeError("fields must be an object")
    fields: Fields = {}
    for element, inner in value.items():
        if element == SELF:
            fields[SELF] = LEAF
        else:
            fields[_read_element(element)] = read_fields(inner)
    return LEAF if len(fields) == 1 and SELF in fields else fields


def _read_element(element: str) -> str:
    kind, text = element[:2], element[2:]
    if kind == "f:":
        return element
    if kind == "i:":
        return f"i:{int(text)}"
    if kind not in {"k:", "v:"}:
        raise ValueError(f"{element!r} is no element of a path")
    try:
        value = msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise ValueError(f"{element!r} holds no JSON: {error}") from None
    if kind == "k:" and not isinstance(value, dict):
        raise ValueError(f"{element!r} holds no keys")
    return kind + _text(value)
