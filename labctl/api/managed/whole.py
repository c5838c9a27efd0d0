"""The fields of what comes or goes as a whole: everything on the way belongs to who brings it.

This is on the way of every object that a client creates, so it is one walk without detours.
"""

from typing import Any

from labctl.api.managed.fields import LEAF, SELF, Fields, as_member
from labctl.api.managed.types import Type

_CONTAINERS = (dict, list)
_element = "f:".__add__


def all_fields_of(type_: Type, value: Any) -> Fields:
    """The node for a value. Raises NoElement for an item that has no keys."""
    if not value or type(value) not in _CONTAINERS:
        return LEAF
    if type(value) is list:
        return _of_list(type_, value) if type_.granular else LEAF
    if type_.atomic:
        return LEAF
    fields: Fields = dict.fromkeys(map(_element, value), LEAF)
    members = type_.members
    for name, inner in value.items():
        if type(inner) in _CONTAINERS:
            known = members.get(name)
            fields["f:" + name] = all_fields_of(known or type_.member(name), inner)
    if not type_.embedded:
        fields[SELF] = LEAF
    return fields


def _of_list(type_: Type, items: list[Any]) -> Fields:
    fields: Fields = {} if type_.embedded else {SELF: LEAF}
    for item in items:
        element = type_.element(item)
        # Of items that cannot be told apart only the place is known.
        twice = element in fields
        fields[element] = LEAF if twice else as_member(all_fields_of(type_.items, item))
    return fields
