"""What goes because its manager no longer applies it, and nobody else manages it."""

from collections.abc import Iterable

from labctl.api.managed.extract import fields_of
from labctl.api.managed.fields import Fields, as_member, difference, intersection, union
from labctl.api.managed.merge import remove
from labctl.api.managed.types import Type
from labctl.api.objects import Obj


def prune(type_: Type, merged: Obj, last: Fields, managed: Iterable[Fields]) -> Obj:
    """The merged object without what was in `last` and is in none of `managed`.

    `last` is what the manager applied before, `managed` what everybody has now, itself included.
    A parent goes with its last field, unless somebody has it. Raises NoElement.
    """
    if not last:
        return merged
    owned: Fields = {}
    for fields in managed:
        owned = union(owned, fields)
    last, present = with_parents(type_, last), _present(type_, merged)
    kept = union(_present(type_, _rest(type_, merged, last)), with_parents(type_, owned))
    rest = _rest(type_, merged, difference(present, kept))
    gone = difference(present, _present(type_, rest))
    return _rest(type_, merged, intersection(gone, last))


def _rest(type_: Type, obj: Obj, gone: Fields) -> Obj:
    left: Obj | None = remove(type_, obj, gone)
    return left or {}


def _present(type_: Type, obj: Obj) -> Fields:
    return with_parents(type_, fields_of(type_, obj))


def with_parents(type_: Type, fields: Fields) -> Fields:
    """The set with every named member that has something of it below."""
    result: Fields = {}
    for element, node in fields.items():
        if not node:
            result[element] = node
            continue
        inner = with_parents(type_.below(element), node)
        named = element.startswith("f:") and element[2:] in type_.members
        result[element] = as_member(inner) if named else inner
    return result
