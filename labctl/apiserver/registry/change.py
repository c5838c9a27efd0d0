"""The loop below every update: read, make the new state, compare and swap; again if it was beaten.

A client that named a resourceVersion means that version and gets a 409 when it is gone; any other
change is made again on the newest state, so that writers of different fields never lose a race.
"""

from collections.abc import Callable
from dataclasses import dataclass

from labctl.api import status
from labctl.api.objects import Obj
from labctl.apiserver.registry.backend import Backend
from labctl.apiserver.registry.strategies import strategy_of
from labctl.apiserver.request import Request
from labctl.apiserver.watchcache.entry import Entry
from labctl.store import Conflict

_ATTEMPTS = 100

Make = Callable[[Obj], Obj]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a change; `removed` if it took the last hold on an object being deleted."""

    entry: Entry
    removed: bool = False


async def change(backend: Backend, request: Request, name: str, make: Make) -> Outcome:
    """Replaces an object by what `make` returns for it; raises what `make` raises, 404 and 409.

    A `make` that returns what was there writes nothing, and the revision stays.
    """
    for _ in range(_ATTEMPTS):
        entry = await backend.read(request.resource, request.namespace, name)
        new = make(entry.object)
        if _same(new, entry.object):
            return Outcome(entry)
        try:
            return await _swap(backend, request, entry, new)
        except Conflict:
            continue
    raise status.conflict(request.resource, name)


async def _swap(backend: Backend, request: Request, entry: Entry, new: Obj) -> Outcome:
    if request.dry_run:
        return Outcome(Entry(entry.key, b"", entry.revision, new))
    if is_released(new):
        return Outcome(await backend.remove(entry), removed=True)
    resource = request.resource
    ttl = strategy_of(resource).ttl
    return Outcome(await backend.commit(resource, entry.key, entry.revision, new, ttl))


def is_released(obj: Obj) -> bool:
    """Whether an object that is being deleted is held by nothing any more."""
    metadata = obj["metadata"]
    return (
        "deletionTimestamp" in metadata
        and not metadata.get("deletionGracePeriodSeconds")
        and not metadata.get("finalizers")
        and not _held_namespace(obj)
    )


def _held_namespace(obj: Obj) -> bool:
    return obj.get("kind") == "Namespace" and bool((obj.get("spec") or {}).get("finalizers"))


def _same(new: Obj, old: Obj) -> bool:
    if new is old:
        return True
    return {**new, "metadata": _stable(new)} == {**old, "metadata": _stable(old)}


def _stable(obj: Obj) -> Obj:
    return {k: v for k, v in obj["metadata"].items() if k != "resourceVersion"}
