"""Who has written what: metadata.managedFields, kept up with every write.

What the cluster makes by itself (components of this process, nodes) carries none, so that a pod
costs what it cost; what a client makes is tracked from the start, and then every writer of it
(docs/decisions/0014). As Kubernetes, a write is filed before admission adds to it.
"""

from labctl.api.managed import (
    UPDATE,
    Manager,
    NoElement,
    created,
    present_entries,
    same_but_for_times,
    type_of,
    updated,
)
from labctl.api.objects import Obj, now
from labctl.apiserver.authorization import node_name
from labctl.apiserver.directives import field_manager
from labctl.apiserver.registry.strategies import Strategy
from labctl.apiserver.request import Request

_FIELD = "managedFields"


def manager(request: Request, operation: str = UPDATE) -> Manager:
    """Whom a request's changes are put down to."""
    resource = request.resource
    return Manager(field_manager(request), operation, resource.api_version, request.subresource)


def entries_of(obj: Obj) -> list[Obj]:
    entries: list[Obj] = obj["metadata"].get(_FIELD) or []
    return entries


def with_entries(obj: Obj, entries: list[Obj]) -> Obj:
    """The object with these entries, or without the field if there are none."""
    metadata = obj["metadata"]
    if entries:
        return {**obj, "metadata": {**metadata, _FIELD: entries}}
    if _FIELD not in metadata:
        return obj
    return {**obj, "metadata": {name: metadata[name] for name in metadata if name != _FIELD}}


def owned_creation(request: Request, strategy: Strategy, obj: Obj) -> Obj:
    """A new object that says who made it, if that is a client."""
    if not _is_client(request):
        return with_entries(obj, [])
    sent, besides = obj["metadata"].get(_FIELD), _besides(request, strategy)
    if sent:
        return _filed(request, strategy, present_entries(sent, []), {}, obj)
    try:
        entries = created(type_of(request.resource), obj, manager(request), now(), besides)
    except NoElement:
        entries = []
    return with_entries(obj, entries)


def owned_change(request: Request, strategy: Strategy, new: Obj, old: Obj) -> Obj:
    """An object that says who made it from `old`, if `old` says who made it or a client does."""
    sent, live = new["metadata"].get(_FIELD), entries_of(old)
    if (sent is None and not live) or new == old:
        return new
    entries = present_entries(sent, live)
    return _filed(request, strategy, entries, old, new) if entries else with_entries(new, [])


def settled(new: Obj, old: Obj) -> Obj:
    """The new object; if it differs from `old` in nothing but when it was written, with old times.

    Admission and strategies may have taken back what a client had changed.
    """
    entries, before = entries_of(new), entries_of(old)
    if entries == before or not same_but_for_times(entries, before):
        return new
    return old if with_entries(new, before) == old else new


def _filed(request: Request, strategy: Strategy, entries: list[Obj], old: Obj, new: Obj) -> Obj:
    """The new object with its writer's fields among the entries; without any if they cannot be told."""
    try:
        found = updated(
            type_of(request.resource),
            entries,
            old,
            new,
            manager(request),
            now(),
            _besides(request, strategy),
        )
    except NoElement:
        found = []
    return with_entries(new, found)


def _besides(request: Request, strategy: Strategy) -> tuple[str, ...]:
    """The members that a request cannot write."""
    return () if request.writes_status else strategy.reset


def _is_client(request: Request) -> bool:
    return bool(request.agent) and not node_name(request.user)
