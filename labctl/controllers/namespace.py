"""Empties namespaces that are being deleted, and lets them go when nothing is left in them."""

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from labctl.api.kinds.core import EVENTS, NAMESPACES
from labctl.api.objects import Obj, format_time, is_deleting, name
from labctl.api.objects import namespace as namespace_of
from labctl.api.resource import Resource
from labctl.client.cache import Handler
from labctl.client.reconciler import Reconciler
from labctl.controllers.controller import Desk
from labctl.controllers.writes import Delete, Patch, at_once, perform, status_patch
from labctl.errors import StatusError

FINALIZER: Final = "kubernetes"

_WORKERS: Final = 5
_GATHERING: Final = 0.05  # seconds: what leaves together is one reason to look again
_LOOK_AGAIN: Final = 5.0


@dataclass(frozen=True)
class Remains:
    """What is left in a namespace: numbers by resource and by finalizer."""

    resources: tuple[tuple[str, int], ...] = ()
    finalizers: tuple[tuple[str, int], ...] = ()

    @property
    def empty(self) -> bool:
        return not self.resources


def remains(contents: Iterable[tuple[Resource, Obj]]) -> Remains:
    resources: Counter[str] = Counter()
    finalizers: Counter[str] = Counter()
    for resource, obj in contents:
        resources[f"{resource.plural}.{resource.group}"] += 1
        finalizers.update(obj["metadata"].get("finalizers") or ())
    return Remains(tuple(sorted(resources.items())), tuple(sorted(finalizers.items())))


def conditions(old: Iterable[Obj], left: Remains, now: float) -> list[Obj]:
    """What the namespace's status says of its end, in Kubernetes' words."""
    new = (
        ("NamespaceDeletionDiscoveryFailure", None, "ResourcesDiscovered",
         "All resources successfully discovered"),
        ("NamespaceDeletionGroupVersionParsingFailure", None, "ParsedGroupVersions",
         "All legacy kube types successfully parsed"),
        ("NamespaceDeletionContentFailure", None, "ContentDeleted",
         "All content successfully deleted, may be waiting on finalization"),
        _remaining(left),
        _finalizing(left),
    )  # fmt: skip
    known = {one["type"]: one for one in old}
    return [
        _condition(known.get(type_), type_, status or "False", reason, message, now)
        for type_, status, reason, message in new
    ]


def _remaining(left: Remains) -> tuple[str, str | None, str, str]:
    if left.empty:
        return (
            "NamespaceContentRemaining",
            None,
            "ContentRemoved",
            "All content successfully removed",
        )
    some = ", ".join(f"{what} has {count} resource instances" for what, count in left.resources)
    text = f"Some resources are remaining: {some}"
    return "NamespaceContentRemaining", "True", "SomeResourcesRemain", text


def _finalizing(left: Remains) -> tuple[str, str | None, str, str]:
    if not left.finalizers:
        text = "All content-preserving finalizers finished"
        return "NamespaceFinalizersRemaining", None, "ContentHasNoFinalizers", text
    some = ", ".join(f"{what} in {count} resource instances" for what, count in left.finalizers)
    text = f"Some content in the namespace has finalizers remaining: {some}"
    return "NamespaceFinalizersRemaining", "True", "SomeFinalizersRemain", text


def _condition(
    old: Obj | None, type_: str, status: str, reason: str, message: str, now: float
) -> Obj:
    flipped = old is None or old["status"] != status
    since = format_time(now) if flipped or old is None else old["lastTransitionTime"]
    return {
        "type": type_,
        "status": status,
        "reason": reason,
        "message": message,
        "lastTransitionTime": since,
    }


class NamespaceController:
    """One namespace's end at a time per worker."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._client = desk.client
        self._namespaces = desk.caches.of(NAMESPACES)
        self._reconciler = Reconciler("namespace", self._reconcile, _WORKERS)
        self._namespaces.subscribe(self._namespace_changed)
        desk.kinds.subscribe(self._content_handler)

    async def run(self) -> None:
        await self._desk.caches.synced()
        await self._reconciler.run()

    def _namespace_changed(self, _: Obj | None, new: Obj | None) -> None:
        if new is not None and is_deleting(new):
            self._reconciler.mark(name(new))

    def _content_handler(self, resource: Resource) -> Handler | None:
        """None for Events: a copy of all of them is not worth it, since deleting one takes it away
        at once.
        """
        follows = resource.namespaced and resource is not EVENTS
        return self._content_changed if follows else None

    def _content_changed(self, old: Obj | None, new: Obj | None) -> None:
        """What left a namespace that ends may have been the last."""
        if old is not None and new is None:
            at = namespace_of(old)
            ending = self._namespaces.objects.get(at)
            if ending is not None and is_deleting(ending):
                self._reconciler.mark_after(at, _GATHERING)

    async def _reconcile(self, at: str) -> float | None:
        namespace = self._namespaces.objects.get(at)
        if namespace is None or not is_deleting(namespace):
            return None
        if FINALIZER not in (namespace["spec"].get("finalizers") or ()):
            return None
        try:
            return await self._end(at, namespace)
        except StatusError as error:
            if error.code != 404:  # it has gone, and the cache has yet to hear of it
                raise
            return None

    async def _end(self, at: str, namespace: Obj) -> float | None:
        left = remains(await self._empty(at))
        await self._report(namespace, left)
        if left.empty:
            await self._let_go(namespace)
            return None
        return _LOOK_AGAIN

    async def _empty(self, at: str) -> list[tuple[Resource, Obj]]:
        """Deletes everything in the namespace; what is left after that."""
        contents = await self._contents(at)
        doomed = [one for one in contents if not is_deleting(one[1])]
        if not doomed:
            return contents
        for answer in await at_once(self._delete, doomed):
            if isinstance(answer, Exception):
                raise answer
        return await self._contents(at)

    async def _contents(self, at: str) -> list[tuple[Resource, Obj]]:
        """Asked of the API itself: a cache may not know yet what was made last."""
        found: list[tuple[Resource, Obj]] = []
        for resource in self._desk.kinds.namespaced():
            listed = await self._client.list(resource, at)
            found += ((resource, obj) for obj in listed.items)
        return found

    async def _delete(self, doomed: tuple[Resource, Obj]) -> None:
        resource, obj = doomed
        try:
            await perform(self._client, Delete(resource, obj, propagation="Background"))
        except StatusError as error:
            if error.code not in (404, 409):  # gone, or another object by now: the next look tells
                raise

    async def _report(self, namespace: Obj, left: Remains) -> None:
        old = namespace.get("status") or {}
        told = conditions(old.get("conditions") or (), left, time.time())
        new = {**old, "phase": "Terminating", "conditions": told}
        if new != old:
            patch = status_patch(old, new)
            await perform(self._client, Patch(NAMESPACES, namespace, patch, "status"))

    async def _let_go(self, namespace: Obj) -> None:
        live = await self._client.get(NAMESPACES, name(namespace))
        kept = [one for one in live["spec"].get("finalizers") or () if one != FINALIZER]
        spec = {**live["spec"], "finalizers": kept}
        await self._client.replace(NAMESPACES, {**live, "spec": spec}, "finalize")
