"""The account `default`: every namespace has one, and gets it back when somebody deletes it."""

from typing import Final

from labctl.api.kinds.core import NAMESPACES, SERVICEACCOUNTS
from labctl.api.objects import Obj, is_deleting, name, namespace
from labctl.client.reconciler import Reconciler
from labctl.controllers.controller import Desk
from labctl.controllers.writes import Create, perform_new

DEFAULT: Final = "default"


class ServiceAccountController:
    """One namespace at a time; the key is its name."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._namespaces = desk.caches.of(NAMESPACES)
        self._accounts = desk.caches.of(SERVICEACCOUNTS)
        self._reconciler = Reconciler("service-account", self._reconcile)
        self._namespaces.subscribe(self._namespace_changed)
        self._accounts.subscribe(self._account_changed)

    async def run(self) -> None:
        await self._desk.caches.synced()
        await self._reconciler.run()

    def _namespace_changed(self, _: Obj | None, new: Obj | None) -> None:
        if new is not None:
            self._reconciler.mark(name(new))

    def _account_changed(self, old: Obj | None, new: Obj | None) -> None:
        if new is None and old is not None and name(old) == DEFAULT:
            self._reconciler.mark(namespace(old))

    async def _reconcile(self, at: str) -> float | None:
        found = self._namespaces.objects.get(at)
        if found is None or is_deleting(found) or self._accounts.get(at, DEFAULT):
            return None
        account = {"metadata": {"name": DEFAULT, "namespace": at}}
        await perform_new(self._desk.client, Create(SERVICEACCOUNTS, account))
        return None
