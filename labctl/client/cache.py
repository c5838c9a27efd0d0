"""A copy of one resource that follows the API: list once, then watch for ever.

Events change the copy and are handed to subscribers as (old, new). A watch that ends is resumed
after the last revision seen; only when that is too old (410) is everything listed again, and the
difference told as events, so a subscriber never misses a change of state: an object replaced by
another of the same name is told as a deletion and an addition.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from labctl.api.objects import Obj, key, uid
from labctl.api.resource import Resource
from labctl.client.backoff import Backoff
from labctl.client.client import Client
from labctl.errors import StatusError

Handler = Callable[[Obj | None, Obj | None], None]

_log = logging.getLogger(__name__)


class Cache:
    """The objects of a resource, by "namespace/name". They are shared: never change them."""

    def __init__(
        self,
        client: Client,
        resource: Resource,
        namespace: str = "",
        *,
        labels: str = "",
        fields: str = "",
        keep: Callable[[Obj], Obj] = lambda obj: obj,
    ) -> None:
        """`keep` gives what is kept of an object; its metadata must still tell it from others."""
        self.resource = resource
        self._client = client
        self._keep = keep
        self._namespace = namespace
        self._selectors = {"labels": labels, "fields": fields}
        self._objects: dict[str, Obj] = {}
        self._handlers: list[Handler] = []
        self._synced = asyncio.Event()
        self._revision = ""
        self.objects: Mapping[str, Obj] = MappingProxyType(self._objects)

    def get(self, namespace: str, name: str) -> Obj | None:
        return self._objects.get(f"{namespace}/{name}" if namespace else name)

    def subscribe(self, handler: Handler) -> None:
        """Calls `handler(old, new)` at every change, and now for what is there already.

        `old` is None for an addition, `new` for a deletion. A handler must not raise or wait.
        """
        self._handlers.append(handler)
        for obj in list(self._objects.values()):
            handler(None, obj)

    async def synced(self) -> None:
        """Returns once the first list is in the cache and subscribers know it."""
        await self._synced.wait()

    def clear(self) -> None:
        """Forgets everything, and tells subscribers that it is gone: for a kind that is no more."""
        self._replace(())

    async def run(self) -> None:
        """Follows the API until cancelled."""
        backoff = Backoff(first=0.05, limit=5.0)
        while True:
            try:
                await self._follow(backoff)
            except StatusError as error:
                if error.code == 410:
                    self._revision = ""
                news = error.code != 410 and backoff.failures == 0
                level = logging.WARNING if news else logging.DEBUG
                _log.log(level, "watch of %s: %s", self.resource.plural, error.message)
                await asyncio.sleep(backoff.next())

    async def _follow(self, backoff: Backoff) -> None:
        if not self._revision:
            found = await self._client.list(self.resource, self._namespace, **self._selectors)
            self._replace(found.items)
            self._revision = found.resource_version
            self._synced.set()
        events = self._client.watch(
            self.resource, self._namespace, resource_version=self._revision, **self._selectors
        )
        quiet = True
        async with contextlib.aclosing(events):
            async for event in events:
                quiet = False
                backoff.reset()
                self._take(event.type, event.object)
        if quiet:  # a server that ends watches at once must not be asked in a tight loop
            await asyncio.sleep(backoff.next())

    def _take(self, kind: str, obj: Obj) -> None:
        self._revision = obj["metadata"]["resourceVersion"]
        if kind == "BOOKMARK":
            return
        if kind == "DELETED":
            self._remove(key(obj))
        else:
            self._put(obj)

    def _replace(self, items: Iterable[Obj]) -> None:
        present = {key(obj): obj for obj in items}
        for gone in self._objects.keys() - present.keys():
            self._remove(gone)
        for obj in present.values():
            self._put(obj)

    def _put(self, obj: Obj) -> None:
        at = key(obj)
        old = self._objects.get(at)
        if old is not None and uid(old) != uid(obj):
            self._remove(at)
            old = None
        if old is not None and _revision(old) == _revision(obj):
            return
        new = self._objects[at] = self._keep(obj)
        self._tell(old, new)

    def _remove(self, at: str) -> None:
        """Subscribers get the state they know, not the event's: one that left a selector has
        other labels there, and an index would not find what it filed.
        """
        last = self._objects.pop(at, None)
        if last is not None:
            self._tell(last, None)

    def _tell(self, old: Obj | None, new: Obj | None) -> None:
        for handler in self._handlers:
            try:
                handler(old, new)
            except Exception:  # one subscriber's bug must not stop the others' news
                _log.exception("subscriber of %s", self.resource.plural)


def _revision(obj: Obj) -> str:
    return str(obj["metadata"].get("resourceVersion", ""))
