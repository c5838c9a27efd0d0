"""A type with every kind of place, and objects of it: for laws that hold for all of them."""

from typing import Any

from hypothesis import strategies as st

from labctl.api.managed import APPLY, UPDATE, Manager, Type, type_of
from labctl.api.objects import Obj
from labctl.api.resource import Resource

_SCALAR = {"type": "string"}
_ITEM = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": _SCALAR,
        "port": {"type": "integer", "default": 80},
        "x": _SCALAR,
        "labels": {"type": "object", "additionalProperties": _SCALAR},
    },
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "a": _SCALAR,
        "b": _SCALAR,
        "struct": {"type": "object", "properties": {"a": _SCALAR, "b": _SCALAR}},
        "map": {"type": "object", "additionalProperties": _SCALAR},
        "whole": {
            "type": "object",
            "additionalProperties": _SCALAR,
            "x-kubernetes-map-type": "atomic",
        },
        "list": {"type": "array", "items": _SCALAR},
        "set": {"type": "array", "items": _SCALAR, "x-kubernetes-list-type": "set"},
        "items": {
            "type": "array",
            "items": _ITEM,
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name", "port"],
        },
    },
}
TYPE = Type(SCHEMA)
UNKNOWN = type_of(Resource("example.org", "v1", "Thing", "things", namespaced=True))

_words = st.sampled_from("xyz")
_map = st.dictionaries(_words, _words, min_size=1, max_size=3)
_names = st.tuples(_words, st.sampled_from((80, 81)))


def _item(name: tuple[str, int]) -> st.SearchStrategy[Obj]:
    own = {"name": st.just(name[0]), "port": st.just(name[1])}
    return st.fixed_dictionaries(own, optional={"x": _words, "labels": _map})


_items = st.lists(_names, min_size=1, max_size=3, unique=True).flatmap(
    lambda names: st.tuples(*(_item(name) for name in names)).map(list)
)

objects = st.fixed_dictionaries(
    {},
    optional={
        "a": _words,
        "b": _words,
        "struct": st.dictionaries(st.sampled_from("ab"), _words, min_size=1),
        "map": _map,
        "whole": _map,
        "list": st.lists(_words, min_size=1, max_size=3),
        "set": st.lists(_words, min_size=1, max_size=3, unique=True),
        "items": _items,
    },
)


def applier(name: str) -> Manager:
    return Manager(name, APPLY, "v1")


def updater(name: str) -> Manager:
    return Manager(name, UPDATE, "v1")
