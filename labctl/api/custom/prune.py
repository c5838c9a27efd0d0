"""Pruning: what the structural schema does not know is dropped, and so are nulls it does not allow.

k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning. Whatever is fine as it is comes back as
the same object, not as a copy, so that a stored object can be looked over at every read.
"""

from dataclasses import dataclass, field
from typing import Any

from labctl.api.causes import MOST, cut
from labctl.api.objects import Obj, without_nulls
from labctl.api.schema.definitions import OBJECT_META, Schema, named

PRESERVE = "x-kubernetes-preserve-unknown-fields"
EMBEDDED = "x-kubernetes-embedded-resource"

_TYPE_META = frozenset({"apiVersion", "kind"})


@dataclass(frozen=True)
class Pruned:
    """A value without what its schema does not know, and the first paths of what that was."""

    value: Any
    unknown: tuple[str, ...] = ()


def prune(schema: Schema, obj: Obj) -> Pruned:
    """A custom object (apiVersion, kind and metadata are known in any case) pruned by its schema."""
    pruning = _Pruning()
    value = pruning.value(schema, obj, (), embedded=True)
    return Pruned(value, tuple(pruning.unknown))


def prune_default(schema: Schema, value: Any) -> Pruned:
    """The same for a default, which is a part of an object."""
    pruning = _Pruning()
    return Pruned(pruning.value(schema, value, (), embedded=False), tuple(pruning.unknown))


_Steps = tuple[str, ...]


@dataclass
class _Pruning:
    unknown: list[str] = field(default_factory=list)

    def _note(self, path: _Steps) -> None:
        if len(self.unknown) < MOST:
            self.unknown.append(cut("".join(path).removeprefix(".")))

    def value(self, schema: Schema, value: Any, path: _Steps, *, embedded: bool) -> Any:
        if type(value) is dict:
            return self._object(
                schema, value, path, embedded=embedded or bool(schema.get(EMBEDDED))
            )
        if type(value) is list and isinstance(schema.get("items"), dict):
            items = schema["items"]
            kept = [
                self.value(items, one, (*path, f"[{index}]"), embedded=False)
                for index, one in enumerate(value)
            ]
            return value if all(new is old for new, old in zip(kept, value, strict=True)) else kept
        return value

    def _object(self, schema: Schema, value: Obj, path: _Steps, *, embedded: bool) -> Obj:
        kept: Obj = {}
        for name, old in value.items():
            at = (*path, f".{name}")
            inner = _inner(schema, name)
            if embedded and name == "metadata":
                kept[name] = self._metadata(old, at)
            elif embedded and name in _TYPE_META:
                kept[name] = old
            elif inner is None:
                self._note(at)
            elif old is not None or inner.get("nullable") or inner is _ANYTHING:
                kept[name] = self.value(inner, old, at, embedded=False)
        same = len(kept) == len(value) and all(kept[name] is value[name] for name in kept)
        return value if same else kept

    def _metadata(self, value: Any, path: _Steps) -> Any:
        if type(value) is not dict:
            return value
        known = named(OBJECT_META)["properties"]
        for name in value:
            if name not in known:
                self._note((*path, f".{name}"))
        if all(name in known for name in value):
            return without_nulls(value)
        return without_nulls({name: one for name, one in value.items() if name in known})


_ANYTHING: Schema = {PRESERVE: True}


def _inner(schema: Schema, name: str) -> Schema | None:
    """The schema of a member, _ANYTHING where it is not looked into, None where it is unknown."""
    known: Schema | None = (schema.get("properties") or {}).get(name)
    if known is not None:
        return known
    others = schema.get("additionalProperties")
    if isinstance(others, dict):
        return others
    return _ANYTHING if others or schema.get(PRESERVE) else None
