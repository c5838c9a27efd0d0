"""What the API server does about CustomResourceDefinitions: gives names, and cleans up.

A client of the server as any controller, and part of it as in Kubernetes (apiextensions-apiserver):
without it no definition would be served. One worker, so that names are given one after the other.
"""

import asyncio
from typing import Final

from labctl.api.custom.definition import CLEANUP, TERMINATING, served_resources
from labctl.api.custom.names import named_status
from labctl.api.kinds.apiextensions import CUSTOMRESOURCEDEFINITIONS as CRDS
from labctl.api.objects import Obj, is_deleting, name, namespace, set_condition, uid
from labctl.api.resource import Resource
from labctl.client.cache import Cache
from labctl.client.client import Client
from labctl.client.reconciler import Reconciler
from labctl.errors import StatusError

_LOOK_AGAIN: Final = 0.5  # seconds: objects may be held by finalizers of their own


class DefinitionController:
    """Keeps the status of definitions, and empties what is being deleted."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._cache = Cache(client, CRDS)
        self._reconciler = Reconciler("definition", self._reconcile)
        self._cache.subscribe(self._changed)

    async def run(self) -> None:
        """Works until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._cache.run())
            group.create_task(self._reconciler.run())

    def _changed(self, old: Obj | None, new: Obj | None) -> None:
        if new is not None:
            self._reconciler.mark(name(new))
        if new is None or (old is not None and _accepted(old) != _accepted(new)):
            self._reconsider(new or old or {})

    def _reconsider(self, changed: Obj) -> None:
        """Names may be free that another definition of the group was refused."""
        for crd in self._cache.objects.values():
            if crd["spec"]["group"] == changed["spec"]["group"]:
                self._reconciler.mark(name(crd))

    async def _reconcile(self, at: str) -> float | None:
        # Listed, not taken from the cache, which may not have heard of the last names given.
        listed = (await self._client.list(CRDS)).items
        crd = next((one for one in listed if name(one) == at), None)
        if crd is None:
            return None
        if is_deleting(crd):
            return await self._clean_up(crd)
        others = [one for one in listed if uid(one) != uid(crd)]
        await self._set_status(crd, named_status(crd, others))
        return None

    async def _set_status(self, crd: Obj, status: Obj) -> None:
        if status != crd.get("status"):
            await self._client.replace(CRDS, {**crd, "status": status}, "status")

    async def _clean_up(self, crd: Obj) -> float | None:
        """Deletes all objects of the kind; the last to go lets the definition go."""
        if CLEANUP not in (crd["metadata"].get("finalizers") or ()):
            return None
        served = served_resources(crd)
        if served and not await self._emptied(served[0]):
            await self._set_status(crd, _ending(crd))
            return _LOOK_AGAIN
        kept = [one for one in crd["metadata"]["finalizers"] if one != CLEANUP]
        metadata = {**crd["metadata"], "finalizers": kept}
        await self._client.replace(CRDS, {**crd, "metadata": metadata})
        return None

    async def _emptied(self, resource: Resource) -> bool:
        """Deletes all objects of a kind; whether none is left after that."""
        found = (await self._client.list(resource)).items
        for obj in found:
            if not is_deleting(obj):
                await self._delete(resource, obj)
        return not found or not (await self._client.list(resource)).items

    async def _delete(self, resource: Resource, obj: Obj) -> None:
        try:
            await self._client.delete(resource, name(obj), namespace(obj), uid=uid(obj))
        except StatusError as error:
            if error.code not in (404, 409):  # gone, or another by now: the next look tells
                raise


def _accepted(crd: Obj) -> Obj:
    accepted: Obj = (crd.get("status") or {}).get("acceptedNames") or {}
    return accepted


def _ending(crd: Obj) -> Obj:
    status = crd.get("status") or {}
    reason, message = "InstanceDeletionInProgress", "CustomResource deletion is in progress"
    conditions = status.get("conditions") or ()
    return {
        **status,
        "conditions": set_condition(conditions, TERMINATING, "True", reason, message),
    }
