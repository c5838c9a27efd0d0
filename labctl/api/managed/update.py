"""Ordinary writes: whoever changes a field manages it from then on, alone."""

from collections.abc import Container

from labctl.api.managed.compare import compare
from labctl.api.managed.fields import difference, union
from labctl.api.managed.managers import Manager, capped, manager_of, ordered, without
from labctl.api.managed.types import Type
from labctl.api.managed.whole import all_fields_of
from labctl.api.objects import Obj

_KIND = ("apiVersion", "kind")
_SERVERS = frozenset(
    {
        "name",
        "namespace",
        "creationTimestamp",
        "selfLink",
        "uid",
        "generation",
        "managedFields",
        "resourceVersion",
    }
)


def updated(
    type_: Type,
    entries: list[Obj],
    old: Obj,
    new: Obj,
    manager: Manager,
    time: str,
    besides: Container[str] = (),
) -> list[Obj]:
    """The entries after a manager has made `new` of `old` ({}: made it at all).

    `besides` are members that it cannot write. The list that was given, if nothing differs. Raises
    NoElement.
    """
    found = compare(type_, writable(old, besides), writable(new, besides))
    touched = found.touched
    if not touched:
        return entries
    kept = without(entries, lambda entry: difference(entry["fieldsV1"], touched))
    written = found.written
    if not written:
        return kept
    own = [one for one in kept if manager_of(one).identity == manager.identity]
    others = [one for one in kept if one not in own] if own else kept
    for one in own:
        written = union(written, one["fieldsV1"])
    return ordered(capped([*others, manager.entry(time, written)]))


def created(
    type_: Type, obj: Obj, manager: Manager, time: str, besides: Container[str] = ()
) -> list[Obj]:
    """What `updated` says of an object that a manager has made of nothing."""
    fields = all_fields_of(type_, writable(obj, besides))
    return [manager.entry(time, fields)] if fields else []


def writable(obj: Obj, besides: Container[str] = ()) -> Obj:
    """The object without what is the server's own, of which nobody is the manager."""
    kept = {name: obj[name] for name in obj if name not in _KIND and name not in besides}
    metadata = kept.pop("metadata", None) or {}
    own = {name: metadata[name] for name in metadata if name not in _SERVERS}
    return {"metadata": own, **kept} if own else kept
