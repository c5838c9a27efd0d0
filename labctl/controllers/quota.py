"""Keeps the status of quotas: what they allow, and how much of it is used.

Nothing depends on it: admission counts for itself. What is used is reckoned anew a moment after
anything that counts came, went, or ended.
"""

from collections.abc import Callable
from typing import Final

from labctl.api.kinds.core import EVENTS, RESOURCEQUOTAS
from labctl.api.objects import Obj, key, namespace
from labctl.api.pod_resources import add
from labctl.api.quantity import Quantity
from labctl.api.quota import Usage, counted, hard, usage_of, used_by
from labctl.api.resource import Resource
from labctl.api.resources import RESOURCES
from labctl.client.index import Index
from labctl.client.reconciler import Reconciler
from labctl.controllers.controller import Desk
from labctl.controllers.writes import Patch, perform, status_patch

_WORKERS: Final = 5
_GATHERING: Final = 0.1  # seconds: a rollout is one reason to count again
_COUNTABLE: Final = tuple(
    one for one in RESOURCES if one.namespaced and (one.stored or one) is not EVENTS
)


def status_of(quota: Obj, used: Usage) -> Obj:
    """The status of a quota of which that much is used."""
    zero = Quantity()
    return {
        "hard": {name: str(Quantity.of(text)) for name, text in hard(quota).items()},
        "used": {name: str(used.get(name, zero)) for name in hard(quota)},
    }


class QuotaController:
    """One quota at a time per worker."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._client = desk.client
        self._quotas = desk.caches.of(RESOURCEQUOTAS)
        self._in_namespace = Index(self._quotas, lambda quota: (namespace(quota),))
        self._reconciler = Reconciler("resourcequota", self._reconcile, _WORKERS)
        self._quotas.subscribe(self._quota_changed)
        for resource in _COUNTABLE:
            desk.caches.of(resource).subscribe(self._marker(resource))

    async def run(self) -> None:
        await self._desk.caches.synced()
        await self._reconciler.run()

    def _quota_changed(self, old: Obj | None, new: Obj | None) -> None:
        if new is not None and (old is None or hard(old) != hard(new)):
            self._reconciler.mark(key(new))

    def _marker(self, resource: Resource) -> Callable[[Obj | None, Obj | None], None]:
        def changed(old: Obj | None, new: Obj | None) -> None:
            quotas = self._in_namespace.get(namespace(new or old or {}))
            for at, quota in quotas.items():
                if resource in counted(hard(quota)):
                    self._reconciler.mark_after(at, _GATHERING)

        return changed

    async def _reconcile(self, at: str) -> None:
        quota = self._quotas.objects.get(at)
        if quota is None:
            return
        used = Usage()
        for resource in counted(hard(quota)):
            used = add(used, used_by(quota, resource, self._objects(resource, namespace(quota))))
        old = quota.get("status") or {}
        new = status_of(quota, used)
        if new != old:
            patch = status_patch(old, new)
            await perform(self._client, Patch(RESOURCEQUOTAS, quota, patch, "status"))

    def _objects(self, resource: Resource, space: str) -> list[tuple[Obj, Usage]]:
        found = self._desk.caches.of(resource).objects.values()
        return [(obj, usage_of(resource, obj)) for obj in found if namespace(obj) == space]
