"""The garbage collector's shell: follows every resource, asks the API where the graph is not sure.

Keys are UIDs. That an owner is absent is believed only after the API said so, or a deletion was
seen; the last few thousand absent UIDs are remembered, since many dependents ask for the same one.
"""

from collections import OrderedDict
from typing import Final

from labctl.api.kinds.core import EVENTS
from labctl.api.objects import Obj, uid
from labctl.api.resource import Resource
from labctl.client.cache import Handler
from labctl.client.reconciler import Reconciler
from labctl.controllers.controller import Desk
from labctl.controllers.garbage.graph import (
    FOREGROUND,
    ORPHAN,
    Ask,
    Collect,
    Disown,
    Finish,
    Graph,
    Item,
    Keep,
    Owner,
    Pursue,
    Verdict,
    is_foreign,
    judge,
    needs_judgement,
)
from labctl.controllers.writes import Patch, at_once, perform
from labctl.errors import StatusError

_WORKERS: Final = 20
_REMEMBERED: Final = 5000


class GarbageCollector:
    """Deletes objects whose owners are gone, in the order that their deletion asked for."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._client = desk.client
        self._graph = Graph()
        self._absent: OrderedDict[str, None] = OrderedDict()
        self._unclear: set[str] = set()
        self._reconciler = Reconciler("garbage", self._reconcile, _WORKERS)
        desk.kinds.subscribe(self._handler)

    async def run(self) -> None:
        """Begins only when the graph is whole: an owner not listed yet is not absent."""
        await self._desk.caches.synced()
        await self._reconciler.run()

    def _handler(self, resource: Resource) -> Handler | None:
        """Called for a new kind, too: it may be that of owners that could not be asked for."""
        if resource is EVENTS:
            return None  # they expire
        for unclear in self._unclear:
            self._reconciler.mark(unclear)
        self._unclear.clear()

        def changed(old: Obj | None, new: Obj | None) -> None:
            if new is not None:
                self._appeared(Item.of(resource, new))
            elif old is not None:
                self._vanished(Item.of(resource, old))

        return changed

    def _appeared(self, item: Item) -> None:
        known = self._graph.get(item.uid)
        if known == item:
            return
        self._graph.put(item)
        if needs_judgement(item, self._graph, self._absent) or item.orphans:
            self._reconciler.mark(item.uid)
        if item.waits and (known is None or not known.waits):
            self._mark_dependents(item.uid)
        if known is not None and known.owners != item.owners:
            self._mark_waiting(known)

    def _vanished(self, item: Item) -> None:
        self._graph.remove(item.uid)
        self._remember_absent(item.uid)
        self._mark_dependents(item.uid)
        self._mark_waiting(item)

    def _mark_dependents(self, owner: str) -> None:
        for dependent in self._graph.dependents(owner):
            self._reconciler.mark(dependent.uid)

    def _mark_waiting(self, dependent: Item) -> None:
        """Owners that wait for their dependents look again when one of these changes or goes."""
        for owner in dependent.owners:
            found = self._graph.get(owner.uid)
            if found is not None and found.waits:
                self._reconciler.mark(found.uid)

    def _remember_absent(self, owner: str) -> None:
        self._absent[owner] = None
        while len(self._absent) > _REMEMBERED:
            self._absent.popitem(last=False)

    async def _reconcile(self, at: str) -> float | None:
        item = self._graph.get(at)
        if item is None:
            return None
        try:
            if item.orphans:
                await self._orphan_dependents(item)
            verdict = judge(item, self._graph, self._absent)
            if isinstance(verdict, Ask):
                await self._ask(item, verdict.owners)
                verdict = judge(item, self._graph, self._absent)
            await self._carry_out(item, verdict)
        except StatusError as error:
            if error.code != 404:  # it went by itself, and the watch will tell
                raise
        return None

    async def _carry_out(self, item: Item, verdict: Verdict) -> None:
        match verdict:
            case Collect(propagation):
                self._tell_of_foreign_owners(item)
                await self._client.delete(
                    item.resource,
                    item.name,
                    item.namespace,
                    propagation=propagation,
                    uid=item.uid,
                )
            case Disown(uids):
                await self._disown(item, uids)
            case Finish():
                await self._take_finalizer(item, FOREGROUND)
            case Pursue(items):
                for one in items:
                    self._reconciler.mark(one.uid)
            case Keep() | Ask():
                pass

    async def _ask(self, item: Item, owners: tuple[Owner, ...]) -> None:
        """Asks the API for owners that no watch has shown; notes those that do not exist."""
        for owner in owners:
            resource = self._desk.kinds.catalog.by_kind(owner.api_version, owner.kind)
            if resource is None:  # of a kind that is not served: nothing can be said, so it is kept
                self._unclear.add(item.uid)
                continue
            space = item.namespace if resource.namespaced else ""
            try:
                found = await self._client.get(resource, owner.name, space)
            except StatusError as error:
                if error.code != 404:
                    raise
                self._remember_absent(owner.uid)
            else:
                if uid(found) != owner.uid:
                    self._remember_absent(owner.uid)

    async def _orphan_dependents(self, item: Item) -> None:
        dependents = self._graph.dependents(item.uid)
        for answer in await at_once(lambda one: self._disown(one, (item.uid,)), dependents):
            if isinstance(answer, Exception):
                raise answer
        await self._take_finalizer(item, ORPHAN)

    async def _disown(self, item: Item, uids: tuple[str, ...]) -> None:
        live = await self._client.get(item.resource, item.name, item.namespace)
        owners = live["metadata"].get("ownerReferences") or []
        left = [one for one in owners if one["uid"] not in uids]
        if uid(live) == item.uid and left != owners:
            await self._patch(item, live, {"ownerReferences": left or None})

    async def _take_finalizer(self, item: Item, finalizer: str) -> None:
        live = await self._client.get(item.resource, item.name, item.namespace)
        present = live["metadata"].get("finalizers") or []
        if uid(live) != item.uid or finalizer not in present:
            return
        await self._patch(item, live, {"finalizers": [one for one in present if one != finalizer]})

    async def _patch(self, item: Item, live: Obj, metadata: Obj) -> None:
        """Custom kinds know no strategic patch, so lists are replaced: in the version just read."""
        version = live["metadata"]["resourceVersion"]
        patch = {"metadata": {**metadata, "resourceVersion": version}}
        await perform(self._client, Patch(item.resource, live, patch))

    def _tell_of_foreign_owners(self, item: Item) -> None:
        for owner in item.owners:
            found = self._graph.get(owner.uid)
            if found is not None and is_foreign(item, found):
                text = (
                    f"ownerRef [{owner.api_version}/{owner.kind}, namespace: {item.namespace},"
                    f" name: {owner.name}, uid: {owner.uid}] does not exist in namespace"
                    f' "{item.namespace}"'
                )
                told = _as_object(item)
                self._desk.recorder.event(told, "Warning", "OwnerRefInvalidNamespace", text)


def _as_object(item: Item) -> Obj:
    """As much of the object as writes and Events need."""
    metadata: Obj = {"name": item.name, "uid": item.uid}
    if item.namespace:
        metadata["namespace"] = item.namespace
    resource = item.resource
    return {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": metadata}
