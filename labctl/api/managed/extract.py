"""Which fields a configuration claims, by its type, and whether it can claim them."""

from typing import Any

from labctl.api.managed.fields import LEAF, Fields, as_member
from labctl.api.managed.types import NoElement, Type
from labctl.api.objects import Obj


def fields_of(type_: Type, obj: Obj) -> Fields:
    """The fields that a configuration claims: leaves, items of lists, members without a name.

    Raises NoElement for an item that has no keys.
    """
    fields: Fields = {}
    members = type_.members
    for name, value in obj.items():
        known = members.get(name)
        node = _node(known or type_.member(name), value)
        if known is None:
            node = as_member(node)
        elif not node and isinstance(value, list) and known.granular:
            continue  # an empty list of items claims none
        fields["f:" + name] = node
    return fields


def _node(type_: Type, value: Any) -> Fields:
    if isinstance(value, dict) and not type_.atomic:
        return fields_of(type_, value)
    if isinstance(value, list) and type_.granular:
        return _of_list(type_, value)
    return LEAF


def _of_list(type_: Type, items: list[Any]) -> Fields:
    fields: Fields = {}
    for item in items:
        element = type_.element(item)
        # Of items that cannot be told apart only the place is known.
        twice = element in fields
        fields[element] = LEAF if twice else as_member(_node(type_.items, item))
    return fields


def first_problem(type_: Type, value: Any, field: str = "") -> str:
    """What keeps a configuration from being applied: an unknown member, an item without keys or
    there twice; "" if nothing does.
    """
    if isinstance(value, dict):
        return _map_problem(type_, value, field)
    if isinstance(value, list) and type_.granular:
        return _list_problem(type_, value, field)
    if isinstance(value, list):
        found = (
            first_problem(type_.items, item, f"{field}[{place}]")
            for place, item in enumerate(value)
        )
        return next((problem for problem in found if problem), "")
    return ""


def _map_problem(type_: Type, obj: Obj, field: str) -> str:
    for name, value in obj.items():
        if not type_.declares(name):
            return f"{field}.{name}: field not declared in schema"
        problem = first_problem(type_.member(name), value, f"{field}.{name}")
        if problem:
            return problem
    return ""


def _list_problem(type_: Type, items: list[Any], field: str) -> str:
    seen = set()
    for place, item in enumerate(items):
        try:
            element = type_.element(item)
        except NoElement as error:
            return f"{field}: element {place}: {error}"
        if element in seen:
            return f"{field}: duplicate entries for key {element[2:]}"
        seen.add(element)
        problem = first_problem(type_.items, item, f"{field}[{element[2:]}]")
        if problem:
            return problem
    return ""
