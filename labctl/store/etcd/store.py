"""The store of a lab in an etcd. See `EtcdStore.open`."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from aetcd import rpc

from labctl.client.backoff import Backoff
from labctl.store import Conflict, Event, Expired, KeyValue, Page, StoreError
from labctl.store.etcd.cluster import Cluster
from labctl.store.etcd.connection import Compacted, Connection, LeaseGone
from labctl.store.etcd.keys import Keys, get
from labctl.store.etcd.leases import Leases
from labctl.store.etcd.shared import Shared
from labctl.store.etcd.stream import follow

logger = logging.getLogger(__name__)

_PATIENCE = 5.0  # seconds until an etcd that does not answer counts as lost
_PAUSE = 0.1  # seconds before the first attempt to follow one that was lost
_CHUNK = 1000  # keys that are read at once: a long Range delays everybody's writes


class EtcdStore:
    """One lab's keys in an etcd; any number of these may be open for it, wherever."""

    def __init__(self, keys: Keys, connection: Connection) -> None:
        self._keys = keys
        self._connection = connection
        self._leases = Leases(connection)
        self._newest = Shared(self._read_revision)
        self._floor = 0
        self._compaction = 0  # where the last compaction that is known of was noted
        self._closed = False

    @classmethod
    async def open(
        cls, cluster: Cluster, root: str, owner: str, patience: float = _PATIENCE
    ) -> "EtcdStore":
        """Opens, or makes, the store under `root` for the lab whose mark is `owner`.

        Raises StoreError when no etcd answers, or when the keys are those of another lab.
        """
        keys = Keys(root, owner)
        store = cls(keys, Connection(cluster, patience))
        try:
            await store._claim()
        except BaseException:
            await store.close()
            raise
        return store

    @property
    def floor(self) -> int:
        return self._floor

    async def revision(self) -> int:
        return await self._newest()

    async def get(self, key: str) -> KeyValue | None:
        answer = await self._connection.ask("Range", get(self._keys.stored(key)))
        return self._keys.read(answer.kvs[0]) if answer.kvs else None

    async def page(
        self, prefix: str, *, limit: int = 0, after: str = "", at_revision: int = 0
    ) -> Page:
        items: list[KeyValue] = []
        while True:
            size = min(limit - len(items), _CHUNK) if limit else _CHUNK
            request = self._keys.page(prefix, after, size, at_revision)
            try:
                answer = await self._connection.ask("Range", request)
            except Compacted:
                raise Expired(await self._learn_floor()) from None
            at_revision = at_revision or answer.header.revision
            items += map(self._keys.read, answer.kvs)
            if not answer.more or len(items) == limit:
                remaining = answer.count - len(answer.kvs)
                return Page(at_revision, tuple(items), answer.more, remaining)
            after = items[-1].key

    async def txn(self, key: str, expect: int, value: bytes | None, ttl: float = 0) -> int:
        if value is None and not expect:
            raise ValueError("what must not exist cannot be deleted")
        try:
            answer = await self._swap(key, expect, value, ttl)
        except LeaseGone:  # this process stood still for so long
            self._leases.forget(ttl)
            answer = await self._swap(key, expect, value, ttl)
        if answer.succeeded:
            return int(answer.header.revision)
        found = answer.responses[0].response_range.kvs
        raise Conflict(key, self._keys.read(found[0]) if found else None)

    async def watch(self, prefix: str, after: int) -> AsyncGenerator[list[Event]]:
        backoff = Backoff(first=_PAUSE, limit=_PATIENCE)
        while not self._closed:
            if after < self._floor:
                raise Expired(self._floor)
            try:
                portions = follow(self._connection, self._keys.stored(prefix), after)
                async with aclosing(portions):
                    async for portion in portions:
                        after = portion.revision
                        backoff.reset()
                        if portion.events:
                            yield list(map(self._event, portion.events))
            except Expired as gone:
                self._floor = max(self._floor, gone.floor)
                raise
            except StoreError as error:
                if not self._closed:
                    logger.warning("%s; watching again from revision %d", error, after)
                    await asyncio.sleep(backoff.next())

    async def compact(self, revision: int) -> None:
        """Also forgets the history of every other lab in this etcd: it has only one."""
        revision = min(revision, await self.revision())
        if revision <= self._floor:
            return
        claim = self._keys.claim_compaction(self._compaction, revision)
        answer = await self._connection.write("Txn", claim)
        if not answer.succeeded:  # another server of this lab was first
            self._note_compaction(answer.responses[0].response_range.kvs)
            return
        self._compaction = answer.header.revision
        try:
            await self._connection.write("Compact", rpc.CompactionRequest(revision=revision))
        except Compacted:  # another lab went further
            await self._learn_floor()
        self._floor = max(self._floor, revision)

    async def close(self) -> None:
        self._closed = True
        await self._connection.close()

    async def _claim(self) -> None:
        """Takes the prefix, or finds it taken by this lab; learns what is gone of its history."""
        answer = await self._connection.write("Txn", self._keys.claim())
        if answer.succeeded:
            self._floor = answer.header.revision
            return
        (marker,) = answer.responses[0].response_range.kvs
        if marker.value.decode() != self._keys.owner:
            problem = "belongs to another lab of this name: use another, or remove its keys"
            raise StoreError(f"{self._keys.root} in etcd {problem}")
        found = await self._connection.ask("Range", get(self._keys.compaction))
        self._note_compaction(found.kvs)
        self._floor = max(self._floor, marker.create_revision)
        await self._learn_floor()

    async def _swap(self, key: str, expect: int, value: bytes | None, ttl: float) -> Any:
        lease = await self._leases.take(ttl) if ttl else 0
        return await self._connection.write("Txn", self._keys.swap(key, expect, value, lease))

    async def _read_revision(self) -> int:
        answer = await self._connection.ask("Range", get(self._keys.marker))
        if not answer.kvs:
            raise StoreError(f"{self._keys.root} was removed")
        return int(answer.kvs[0].mod_revision)

    def _note_compaction(self, found: Any) -> None:
        for note in found:
            self._compaction = note.mod_revision
            self._floor = max(self._floor, int(note.value))

    async def _learn_floor(self) -> int:
        """Up to where etcd was compacted. Only a watch is told, if it begins before that."""
        try:
            async with aclosing(follow(self._connection, self._keys.marker, 1)) as portions:
                await anext(portions)
        except Expired as gone:
            self._floor = max(self._floor, gone.floor)
        return self._floor

    def _event(self, raw: Any) -> Event:
        value = None if raw.type == rpc.Event.DELETE else raw.kv.value
        previous = raw.prev_kv.value if raw.HasField("prev_kv") else None
        return Event(raw.kv.mod_revision, self._keys.plain(raw.kv.key), value, previous)
