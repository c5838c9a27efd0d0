"""What the schema says of the values at one place: which members it names, which lists are maps.

Where it says nothing, as of a custom resource without a schema, maps are granular and lists atomic.
"""

from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any

import msgspec

from labctl.api.objects import Obj
from labctl.api.resource import Resource
from labctl.api.schema import Schema, definition_of, resolve
from labctl.api.schema.definitions import OBJECT_META

_METADATA = {"$ref": f"#/definitions/{OBJECT_META}"}
_EMBEDDED = ("Spec", "Status", "Strategy", ".ObjectMeta")
_KIND = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}}
_encode = msgspec.json.Encoder(order="sorted").encode


@lru_cache(maxsize=4096, typed=True)  # names and ports are the same in many objects
def _key_element(names: tuple[str, ...], *values: Any) -> str:
    return "k:" + _encode(dict(zip(names, values, strict=True))).decode()


class NoElement(Exception):
    """An item that cannot be told from others of its list, and why."""


class Type:
    """One place of a schema. What lies below is made when it is first asked for."""

    __slots__ = (
        "_items",
        "_members",
        "_other",
        "_others",
        "_schema",
        "atomic",
        "embedded",
        "granular",
        "keys",
    )

    def __init__(self, schema: Schema, *, embedded: bool = False) -> None:
        self._schema = schema
        self.embedded = embedded
        """Held by value in Kubernetes' Go types: always there, so that nobody brings it."""
        self._members: dict[str, Type] | None = None
        self._others = _others(schema)
        self._other: Type | None = None
        self._items: Type | None = None
        self.atomic = schema.get("x-kubernetes-map-type") == "atomic"
        self.granular = schema.get("x-kubernetes-list-type") in {"map", "set"}
        self.keys: tuple[str, ...] = tuple(schema.get("x-kubernetes-list-map-keys") or ())

    @property
    def members(self) -> Mapping[str, "Type"]:
        """The members that the schema names."""
        if self._members is None:
            properties = self._schema.get("properties") or {}
            self._members = {name: _member(name, schema) for name, schema in properties.items()}
        return self._members

    @property
    def items(self) -> "Type":
        if self._items is None:
            self._items = _type(self._schema.get("items") or {})
        return self._items

    def member(self, name: str) -> "Type":
        """The type of a member, named or not."""
        found = self.members.get(name)
        if found is not None:
            return found
        if self._other is None:
            self._other = _type(self._others or {})
        return self._other

    def declares(self, name: str) -> bool:
        """Whether a member may have that name."""
        return self._others is not None or name in self.members

    def below(self, element: str) -> "Type":
        """The type of what an element of a path (`f:name`, `k:{…}`) leads to."""
        return self.member(element[2:]) if element.startswith("f:") else self.items

    def element(self, item: Any) -> str:
        """The element for an item of a granular list: by its keys, or by its value in a set."""
        if not self.keys:
            if isinstance(item, dict | list) or item is None:
                raise NoElement("an item of a set must be a scalar")
            return "v:" + _encode(item).decode()
        if not isinstance(item, dict):
            raise NoElement("associative list with keys may not have non-map elements")
        try:
            return _key_element(self.keys, *[self._key(item, key) for key in self.keys])
        except TypeError:
            raise NoElement("associative list with keys has a key that is no scalar") from None

    def _key(self, item: Obj, key: str) -> Any:
        value = item.get(key)
        if value is not None:
            return value
        default = self.items.member(key).default
        if default is None:
            raise NoElement(
                f'associative list with keys has an element that omits key field "{key}" '
                "(and doesn't have default value)"
            )
        return default

    @property
    def default(self) -> Any:
        return self._schema.get("default")


def _others(schema: Schema) -> Schema | None:
    """The schema of members without a name of their own; None where there must be none."""
    others = schema.get("additionalProperties")
    if isinstance(others, dict):
        return others
    if others or schema.get("x-kubernetes-preserve-unknown-fields"):
        return {}
    return None if schema.get("properties") else {}


def _member(name: str, schema: Schema) -> Type:
    """A pod always has its list of containers, if only an empty one."""
    return Type(schema, embedded=True) if name == "containers" else _type(schema)


def _type(schema: Schema) -> Type:
    reference = schema.get("$ref")
    if reference is None:
        return Type(schema) if schema else UNTYPED
    own = schema.get("x-kubernetes-map-type")
    if own is not None:  # said of this member alone: spec.claimRef of a PersistentVolume
        return Type({**resolve(schema), "x-kubernetes-map-type": own})
    return _referred(reference)


@cache
def _referred(reference: str) -> Type:
    embedded = reference.endswith(_EMBEDDED)
    return Type(resolve({"$ref": reference}), embedded=embedded)


UNTYPED = Type({})


@lru_cache(maxsize=512)  # built-in kinds for ever, custom ones as they come and go
def type_of(resource: Resource) -> Type:
    """The type of a resource's objects, whose metadata is everybody's."""
    custom = resource.custom
    schema = (custom.schema if custom else definition_of(resource)) or {"additionalProperties": {}}
    properties = {**_KIND, **(schema.get("properties") or {}), "metadata": _METADATA}
    return Type({**schema, "properties": properties}, embedded=True)
