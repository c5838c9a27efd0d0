"""An index of the cache: every change shows in it, and a cache that begins anew empties it first."""

import asyncio
from pathlib import Path

from labctl.api.kinds.core import CONFIGMAPS
from labctl.api.objects import Obj, labels
from labctl.apiserver.watchcache.cache import WatchCache
from labctl.apiserver.watchcache.index import EntryIndex
from labctl.store.sqlite import SqliteStore
from tests.apiserver.serving import run
from tests.apiserver.test_watchcache import cached, put
from tests.store.engines import Engine


def _colour(obj: Obj) -> str:
    return labels(obj).get("colour", "")


def _found(index: EntryIndex, colour: str) -> set[str]:
    return {entry.name for entry in index.get(colour)}


def test_objects_are_found_under_what_they_are_now(engine: Engine, tmp_path: Path) -> None:
    async def main() -> None:
        async with cached(engine, tmp_path) as (store, cache):
            first = await put(store, "a", 0, colour="blue")
            await cache.reached(first)
            index = EntryIndex(cache, CONFIGMAPS, _colour)
            assert _found(index, "blue") == {"a"}
            second = await put(store, "b", 0, colour="blue")
            third = await put(store, "a", first, colour="red")
            await cache.reached(third)
            assert (_found(index, "blue"), _found(index, "red")) == ({"b"}, {"a"})
            gone = await store.txn(CONFIGMAPS.key("default", "b"), second, None)
            await put(store, "a", third)
            await cache.reached(gone + 1)
            assert (_found(index, "blue"), _found(index, "red")) == (set(), set())

    run(main())


def test_a_cache_that_begins_anew_takes_its_index_along(tmp_path: Path) -> None:
    async def main() -> None:
        store = SqliteStore.open(tmp_path / "store.db")
        first = await put(store, "a", 0, colour="blue")
        cache = WatchCache(store)
        index = EntryIndex(cache, CONFIGMAPS, _colour)
        await cache.start()
        assert _found(index, "blue") == {"a"}
        # All lands in the store, and is forgotten, before the cache looks again.
        gone = asyncio.create_task(store.txn(CONFIGMAPS.key("default", "a"), first, None))
        writes = [asyncio.create_task(put(store, f"b{n}", 0, colour="blue")) for n in range(3)]
        await asyncio.gather(gone, *writes, store.compact(first + 4))
        await cache.reached(first + 4)
        assert _found(index, "blue") == {"b0", "b1", "b2"}
        await cache.stop()
        await store.close()

    run(main())
