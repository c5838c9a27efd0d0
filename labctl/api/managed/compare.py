"""Which fields differ between two versions of an object, by its type."""

from dataclasses import dataclass, field
from typing import Any

from labctl.api.managed.fields import LEAF, Fields, as_member, union
from labctl.api.managed.types import Type
from labctl.api.managed.whole import all_fields_of
from labctl.api.objects import Obj


@dataclass(slots=True)
class Comparison:
    """Fields that went, that have another value, and that came."""

    removed: Fields = field(default_factory=dict)
    modified: Fields = field(default_factory=dict)
    added: Fields = field(default_factory=dict)

    @property
    def written(self) -> Fields:
        """What whoever made the change has written: the fields with a new value."""
        return union(self.modified, self.added)

    @property
    def touched(self) -> Fields:
        """Everything that nobody else can claim any longer."""
        return union(self.written, self.removed)

    def put(self, element: str, inner: "Comparison") -> None:
        """Takes what differs below an element."""
        if inner.removed:
            self.removed[element] = inner.removed
        if inner.modified:
            self.modified[element] = inner.modified
        if inner.added:
            self.added[element] = inner.added


def compare(type_: Type, old: Obj, new: Obj) -> Comparison:
    """What differs; items of granular lists may change places. Raises NoElement."""
    found = Comparison()
    if old is not new:
        _maps(type_, old, new, found)
    return found


def _maps(type_: Type, old: Obj, new: Obj, found: Comparison) -> None:
    for name, value in new.items():
        if name not in old:
            found.added["f:" + name] = all_fields_of(type_.member(name), value)
        elif value != old[name]:
            _values(type_.member(name), old[name], value, "f:" + name, found)
    for name, value in old.items():
        if name not in new:
            found.removed["f:" + name] = all_fields_of(type_.member(name), value)


def _values(type_: Type, old: Any, new: Any, element: str, found: Comparison) -> None:
    inner = Comparison()
    if _are(dict, old, new) and not type_.atomic:
        _maps(type_, old or {}, new or {}, inner)
    elif _are(list, old, new) and type_.granular:
        _lists(type_, old or [], new or [], inner)
    else:
        found.modified[element] = LEAF
        return
    found.put(element, inner)


def _are(container: type, *values: Any) -> bool:
    """Whether all are of that type, or null, which is as good as empty."""
    return all(value is None or isinstance(value, container) for value in values)


def _lists(type_: Type, old: list[Any], new: list[Any], found: Comparison) -> None:
    before, after = _by_element(type_, old), _by_element(type_, new)
    for element, items in after.items():
        present = before.get(element, [])
        if len(items) == 1 and len(present) == 1:
            if items != present:
                _values(type_.items, present[0], items[0], element, found)
        elif not present:
            found.added[element] = _node(type_, items)
        elif items != present:  # there more than once: which is which cannot be said
            found.modified[element] = LEAF
    for element, items in before.items():
        if element not in after:
            found.removed[element] = _node(type_, items)


def _node(type_: Type, items: list[Any]) -> Fields:
    return as_member(all_fields_of(type_.items, items[0])) if len(items) == 1 else LEAF


def _by_element(type_: Type, items: list[Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for item in items:
        found.setdefault(type_.element(item), []).append(item)
    return found
