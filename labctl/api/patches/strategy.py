"""How the schema says that a member is patched: lists merged by a key, or as sets, or replaced."""

from dataclasses import dataclass
from typing import Any

from labctl.api.schema import Schema, resolve

DIRECTIVE = "$patch"
RETAIN_KEYS = "$retainKeys"
ELEMENT_ORDER = "$setElementOrder/"
DELETE_PRIMITIVES = "$deleteFromPrimitiveList/"


@dataclass(frozen=True)
class Strategy:
    """What a member's schema says; nothing is known of members without a schema."""

    schema: Schema
    merges: bool = False
    retains: bool = False
    merge_key: str = ""

    @property
    def items(self) -> Schema:
        return resolve(self.schema.get("items") or {})


def strategy_of(schema: Schema, member: str) -> Strategy:
    """The strategy of a member of an object with that (resolved) schema."""
    properties = schema.get("properties") or {}
    own: Any = properties.get(member) or schema.get("additionalProperties") or {}
    words = own.get("x-kubernetes-patch-strategy", "").split(",")
    return Strategy(
        resolve(own),
        merges="merge" in words,
        retains="retainKeys" in words,
        merge_key=own.get("x-kubernetes-patch-merge-key", ""),
    )
