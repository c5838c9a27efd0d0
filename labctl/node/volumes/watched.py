"""The ConfigMaps and Secrets that pods hold in their volumes, each watched by its name.

One watch an object, however many pods hold it, and none for what nobody holds: the node authorizer
lets a node see no others (kubelet: pkg/kubelet/util/manager/watch_based_manager.go). An object that
says that it is immutable is known once for all, so its watch ends.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from labctl.api.objects import Obj
from labctl.client.cache import Cache
from labctl.client.client import Client
from labctl.node.pods.sources import RESOURCES, Kind

Key = tuple[Kind, str, str]  # kind, namespace, name


@dataclass
class _Watch:
    """`task` lives until nobody holds the object, `following` while it may still change."""

    cache: Cache
    holders: set[str] = field(default_factory=set)
    task: "asyncio.Task[None] | None" = None
    following: "asyncio.Task[None] | None" = None
    synced: bool = False


class WatchedObjects:
    """`changed(holder)` is told when an object that a holder holds is known, changes or goes."""

    def __init__(self, client: Client, changed: Callable[[str], None]) -> None:
        self._client = client
        self._changed = changed
        self._watches: dict[Key, _Watch] = {}
        self._held: dict[str, frozenset[Key]] = {}

    def hold(self, holder: str, keys: Iterable[Key]) -> None:
        """From now on the holder holds these, and no others."""
        wanted, before = frozenset(keys), self._held.get(holder, frozenset())
        for key in wanted - before:
            self._watch(key).holders.add(holder)
        for key in before - wanted:
            self._let_go(key, holder)
        if wanted:
            self._held[holder] = wanted
        else:
            self._held.pop(holder, None)

    def known(self, holder: str) -> bool:
        """Whether all that it holds was looked for already."""
        return all(self._watches[key].synced for key in self._held.get(holder, ()))

    def get(self, key: Key) -> Obj | None:
        """The object as it is now, if there is one and somebody holds it."""
        watch = self._watches.get(key)
        return None if watch is None else watch.cache.get(key[1], key[2])

    async def close(self) -> None:
        tasks = [watch.task for watch in self._watches.values() if watch.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _watch(self, key: Key) -> _Watch:
        if key not in self._watches:
            kind, space, at = key
            cache = Cache(self._client, RESOURCES[kind], space, fields=f"metadata.name={at}")
            watch = self._watches[key] = _Watch(cache)
            cache.subscribe(lambda _, new: self._told(watch, new))
            watch.task = asyncio.create_task(self._follow(watch))
        return self._watches[key]

    def _let_go(self, key: Key, holder: str) -> None:
        watch = self._watches[key]
        watch.holders.discard(holder)
        if not watch.holders:
            del self._watches[key]
            if watch.task is not None:
                watch.task.cancel()

    async def _follow(self, watch: _Watch) -> None:
        async with asyncio.TaskGroup() as group:
            watch.following = group.create_task(watch.cache.run())
            await watch.cache.synced()
            watch.synced = True
            self._tell(watch)

    def _told(self, watch: _Watch, new: Obj | None) -> None:
        self._tell(watch)
        if new is not None and new.get("immutable") and watch.following is not None:
            watch.following.cancel()

    def _tell(self, watch: _Watch) -> None:
        if watch.synced:
            for holder in tuple(watch.holders):
                self._changed(holder)
