"""The cache of all collections, and the one watch of the store that feeds it."""

import asyncio
import contextlib
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager

from labctl.api import status
from labctl.api.kinds.core import EVENTS
from labctl.api.objects import Obj
from labctl.api.resource import Resource
from labctl.apiserver.watchcache.collection import Collection, Observer
from labctl.apiserver.watchcache.entry import Entry, Notice, versioned
from labctl.apiserver.watchcache.keys import identity_of, prefix_of
from labctl.apiserver.watchcache.watcher import Interest, Watcher
from labctl.store import Event, Expired, Store, StoreError

logger = logging.getLogger(__name__)

_RESTING = (EVENTS.prefix(),)  # many, kept for an hour, and seldom read again
_HISTORY = 5_000  # changes kept per collection
_BACKLOG = 1_000  # changes that a watcher may be behind
_PATIENCE = 3.0  # seconds to wait for a revision; as kube-apiserver does
_RETRY = 1.0  # seconds between attempts to follow a store that fails


class WatchCache:
    """What all reads are served from. Call `start` before, and `stop` after, anything else."""

    def __init__(self, store: Store, history: int = _HISTORY, backlog: int = _BACKLOG) -> None:
        self.revision = 0
        self._store = store
        self._history = history
        self._backlog = backlog
        self._collections: dict[str, Collection] = {}
        self._listeners: dict[str, list[Callable[[], None]]] = defaultdict(list)
        self._observers: defaultdict[str, list[Observer]] = defaultdict(list)
        self._floor = 0
        self._expected: dict[bytes, Obj] = {}
        self._waiting: dict[int, set[asyncio.Future[None]]] = defaultdict(set)
        self._feed: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Fills the cache. History is rebuilt from the log, so that watches resume over restarts."""
        newest = await self._store.revision()
        await self._load(max(self._store.floor, newest - self._history))
        self._feed = asyncio.create_task(self._follow(), name="watch cache")
        await self.reached(newest)

    async def stop(self) -> None:
        if self._feed is not None:
            self._feed.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._feed
        self.end_watches()

    def end_watches(self, resource: Resource | None = None) -> None:
        """Ends every watch (of a resource); its client resumes where it stopped."""
        chosen = self._collections.values() if resource is None else [self._collection(resource)]
        for collection in chosen:
            collection.drop_watchers()

    def subscribe(self, resource: Resource, listener: Callable[[], None]) -> None:
        """Calls `listener` whenever the objects of a resource have changed, before anybody can
        learn of the revision at which they did.
        """
        self._listeners[resource.prefix()].append(listener)

    def get(self, resource: Resource, namespace: str, name: str) -> Entry | None:
        entry = self._collection(resource).get(namespace, name)
        if entry is None or resource.custom is None:
            return entry
        return entry.seen_as(resource)

    def at(self, key: str) -> Entry | None:
        """What the store has under a key, in the version in which it has it."""
        return self._collection_at(prefix_of(key)).get(*identity_of(key))

    @contextmanager
    def expecting(self, value: bytes, obj: Obj) -> Iterator[None]:
        """While a value is written that is `obj`, encoded.

        It comes back by the store's watch, and need not be decoded again.
        """
        self._expected[value] = obj
        try:
            yield
        finally:
            self._expected.pop(value, None)

    def entries(self, resource: Resource, namespace: str = "") -> Iterator[Entry]:
        """The objects of a resource (in a namespace), in no particular order."""
        entries = self._collection(resource).entries(namespace)
        if resource.custom is None:
            return entries
        return (entry.seen_as(resource) for entry in entries)

    def sizes(self) -> dict[str, int]:
        """How many objects there are, by resource: `pods`, `deployments.apps`."""
        sizes = {}
        for prefix, collection in self._collections.items():
            _, group, plural, _ = prefix.split("/")
            name = plural if group == "core" else f"{plural}.{group}"
            sizes[name] = sum(1 for _ in collection.entries())
        return sizes

    def changes(self, resource: Resource, after: int) -> list[Notice] | None:
        """What became of a resource's objects after a revision, oldest first.

        None: that is so long ago that not all of it is known any more.
        """
        return self._collection(resource).changes(after)

    def observe(self, resource: Resource, observer: Observer) -> None:
        """Has an observer told of every change of a resource from now on, and of what is there."""
        self._observers[resource.prefix()].append(observer)
        for entry in self.entries(resource):
            observer(None, entry)

    @asynccontextmanager
    async def watch(
        self, resource: Resource, interest: Interest, after: int
    ) -> AsyncIterator[Watcher]:
        """A watcher of a resource after a revision, for as long as the context lasts."""
        collection = self._collection(resource)
        watcher = collection.watch(interest, after)
        try:
            yield watcher
        finally:
            collection.forget(watcher, interest)

    async def fresh(self) -> None:
        """Returns when the cache holds all that was acknowledged before the call.

        Raises 503 when the store cannot say what that is: what is here may be old.
        """
        try:
            newest = await self._store.revision()
        except StoreError as error:
            raise status.service_unavailable(f"the store cannot be read: {error}") from error
        await self.reached(newest)

    async def reached(self, revision: int) -> None:
        """Returns when the cache holds `revision`; raises 504 if that takes more than 3 s."""
        if self.revision >= revision:
            return
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[revision].add(done)
        try:
            async with asyncio.timeout(_PATIENCE):
                await done
        except TimeoutError:
            raise status.too_large_version(revision, self.revision) from None
        finally:
            self._waiting[revision].discard(done)
            if not self._waiting[revision]:
                del self._waiting[revision]

    def _collection(self, resource: Resource) -> Collection:
        return self._collection_at(resource.prefix())

    def _collection_at(self, prefix: str) -> Collection:
        collection = self._collections.get(prefix)
        if collection is None:
            observers = self._observers[prefix]
            collection = Collection(
                self._floor, self._history, self._backlog, observers, rests=prefix in _RESTING
            )
            self._collections[prefix] = collection
        return collection

    async def _load(self, revision: int) -> None:
        """Starts anew from the store's state at `revision`; all watches end and resume."""
        items = (await self._store.page("/", at_revision=revision)).items if revision else ()
        self.end_watches()
        for collection in self._collections.values():
            collection.abandon()
        self._collections = {}
        self._floor = revision
        for item in items:
            entry = Entry(item.key, item.value, item.revision)
            self._collection_at(prefix_of(item.key)).load(entry)
        for prefix in self._listeners:
            self._tell(prefix)
        self._advance(self._floor)

    async def _follow(self) -> None:
        floor = 0
        while True:
            try:
                await self._follow_once(floor)
            except Expired as gone:
                logger.warning("the store was compacted past revision %d", self.revision)
                floor = gone.floor
            except Exception:
                logger.exception("cannot follow the store")
                await asyncio.sleep(_RETRY)
            else:
                return  # the store was closed

    async def _follow_once(self, floor: int) -> None:
        """Follows the store until it ends; begins anew if its floor, or the one told, is higher."""
        # The one told may be ahead of `store.floor`: a reader sees a commit before the loop does.
        floor = max(floor, self._store.floor)
        if self.revision < floor:
            await self._load(max(floor, await self._store.revision()))
        async with aclosing(self._store.watch("/", self.revision)) as batches:
            async for events in batches:
                self._apply(events)

    def _apply(self, events: list[Event]) -> None:
        for event in events:
            prefix = prefix_of(event.key)
            collection = self._collection_at(prefix)
            if event.value is None:
                collection.delete(*identity_of(event.key), event.revision)
            else:
                collection.put(self._entry(event.key, event.value, event.revision))
            if prefix in self._listeners:
                self._tell(prefix)
        self._advance(events[-1].revision)

    def _entry(self, key: str, value: bytes, revision: int) -> Entry:
        obj = self._expected.pop(value, None)
        return Entry(key, value, revision, versioned(obj, revision) if obj is not None else None)

    def _tell(self, prefix: str) -> None:
        for listener in self._listeners[prefix]:
            listener()

    def _advance(self, revision: int) -> None:
        self.revision = revision
        for wanted in [wanted for wanted in self._waiting if wanted <= revision]:
            for done in self._waiting[wanted]:
                if not done.done():
                    done.set_result(None)
