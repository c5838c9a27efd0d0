"""The watch cache: no gaps, the same order for all, and slow watchers dropped alone."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from labctl.api.kinds.core import CONFIGMAPS, NODES
from labctl.apiserver.watchcache.cache import WatchCache
from labctl.apiserver.watchcache.collection import Collection
from labctl.apiserver.watchcache.entry import Entry, Notice, stored_form
from labctl.apiserver.watchcache.watcher import Interest, Watcher
from labctl.errors import StatusError
from labctl.store import Store
from tests.store.engines import Engine


def run(main: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(main, 30))


@asynccontextmanager
async def cached(
    engine: Engine, directory: Path, history: int = 1000, backlog: int = 1000
) -> AsyncIterator[tuple[Store, WatchCache]]:
    store = await engine.open(directory)
    cache = WatchCache(store, history, backlog)
    await cache.start()
    try:
        yield store, cache
    finally:
        await cache.stop()
        await store.close()


async def put(store: Store, name: str, expect: int, **labels: str) -> int:
    obj = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "default", "labels": labels},
    }
    return await store.txn(CONFIGMAPS.key("default", name), expect, stored_form(obj))


def names(notices: list[Notice]) -> list[tuple[str, str]]:
    return [(notice.type, notice.entry.name) for notice in notices]


def _is_blue(entry: Entry) -> bool:
    labels: dict[str, str] = entry.object["metadata"].get("labels", {})
    return labels.get("colour") == "blue"


EVERYTHING = Interest(lambda _: True)
BLUE = Interest(_is_blue)


async def told(watcher: Watcher, count: int) -> list[Notice]:
    notices: list[Notice] = []
    while len(notices) < count:
        await watcher.wait(10)
        notices += watcher.take()
    return notices


def test_an_entry_carries_its_revision_in_both_forms() -> None:
    for metadata in ({"name": "n"}, {}):
        value = stored_form({"kind": "Node", "apiVersion": "v1", "metadata": metadata, "spec": {}})
        entry = Entry("/core/nodes/n", value, 42)
        expected = {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"resourceVersion": "42", **metadata},
            "spec": {},
        }
        assert entry.object == expected
        assert entry.object is entry.object
        entry.rest()
        assert entry.object == expected
        assert entry.object is not entry.object
        assert msgspec.json.decode(entry.body) == expected
        assert msgspec.json.decode(entry.at(43).body)["metadata"]["resourceVersion"] == "43"


def test_a_list_and_its_watch_leave_no_gap(engine: Engine, tmp_path: Path) -> None:
    async def main() -> None:
        async with cached(engine, tmp_path) as (store, cache):
            await put(store, "a", 0)
            await cache.fresh()
            async with cache.watch(CONFIGMAPS, EVERYTHING, cache.revision) as watcher:
                listed = [entry.name for entry in cache.entries(CONFIGMAPS)]
                await put(store, "b", 0)
                revision = await put(store, "c", 0)
                gone = await store.txn(CONFIGMAPS.key("default", "c"), revision, None)
                notices = await told(watcher, 3)
            assert listed == ["a"]
            assert names(notices) == [("ADDED", "b"), ("ADDED", "c"), ("DELETED", "c")]
            deleted = notices[-1].entry
            assert deleted.revision == gone
            assert deleted.object["metadata"]["resourceVersion"] == str(gone)

    run(main())


def test_selectors_turn_changes_into_additions_and_deletions(
    engine: Engine, tmp_path: Path
) -> None:
    async def main() -> None:
        async with (
            cached(engine, tmp_path) as (store, cache),
            cache.watch(CONFIGMAPS, BLUE, cache.revision) as watcher,
        ):
            revision = await put(store, "a", 0, colour="red")
            revision = await put(store, "a", revision, colour="blue")
            revision = await put(store, "a", revision, colour="blue", size="big")
            left = await put(store, "a", revision, colour="red")
            revision = await put(store, "a", left, colour="blue")
            await store.txn(CONFIGMAPS.key("default", "a"), revision, None)
            notices = await told(watcher, 5)
            kinds = [kind for kind, _ in names(notices)]
            assert kinds == ["ADDED", "MODIFIED", "DELETED", "ADDED", "DELETED"]
            # The last state that matched, at the revision at which it stopped to.
            assert notices[2].entry.object["metadata"]["labels"]["colour"] == "blue"
            assert notices[2].entry.revision == left

    run(main())


def test_watches_found_by_a_field_see_what_enters_and_leaves(
    engine: Engine, tmp_path: Path
) -> None:
    async def main() -> None:
        field = ("metadata", "labels", "colour")
        async with (
            cached(engine, tmp_path) as (store, cache),
            cache.watch(CONFIGMAPS, Interest(_is_blue, field, "blue"), cache.revision) as watcher,
        ):
            revision = await put(store, "a", 0, colour="red")
            revision = await put(store, "a", revision, colour="blue")
            revision = await put(store, "a", revision, colour="red")
            revision = await put(store, "a", revision, colour="blue")
            await store.txn(CONFIGMAPS.key("default", "a"), revision, None)
            kinds = [kind for kind, _ in names(await told(watcher, 4))]
            assert kinds == ["ADDED", "DELETED", "ADDED", "DELETED"]

    run(main())


def test_a_slow_watcher_is_dropped_alone_and_can_resume(engine: Engine, tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            cached(engine, tmp_path, backlog=10) as (store, cache),
            cache.watch(CONFIGMAPS, EVERYTHING, cache.revision) as slow,
            cache.watch(CONFIGMAPS, EVERYTHING, cache.revision) as quick,
        ):
            seen: list[Notice] = []
            for number in range(30):
                await put(store, f"c{number}", 0)
                seen += await told(quick, 1)
            assert slow.lost
            assert not quick.lost
            assert len(seen) == 30
            async with cache.watch(CONFIGMAPS, EVERYTHING, seen[4].entry.revision) as resumed:
                assert names(resumed.take()) == names(seen[5:])

    run(main())


def test_watching_from_before_the_history_is_told_to_begin_anew(
    engine: Engine, tmp_path: Path
) -> None:
    async def main() -> None:
        async with cached(engine, tmp_path, history=5) as (store, cache):
            before = cache.revision
            revisions = [await put(store, f"c{number}", 0) for number in range(10)]
            await cache.fresh()
            with pytest.raises(StatusError) as caught:
                async with cache.watch(CONFIGMAPS, EVERYTHING, revisions[3]):
                    pass
            assert (caught.value.code, caught.value.reason) == (410, "Expired")
            message = f"too old resource version: {revisions[3]} ({revisions[4]})"
            assert caught.value.message == message
            async with cache.watch(CONFIGMAPS, EVERYTHING, revisions[4]) as watcher:
                assert len(watcher.take()) == 5
            async with cache.watch(NODES, EVERYTHING, before) as watcher:
                assert watcher.take() == []  # nothing of nodes was ever forgotten

    run(main())


@pytest.mark.parametrize("rests", [True, False])
def test_what_is_no_longer_new_is_kept_as_bytes_only(*, rests: bool) -> None:
    collection = Collection(0, history=1000, backlog=1000, rests=rests)

    def put(name: str, revision: int) -> None:
        obj = {"apiVersion": "v1", "kind": "Event", "metadata": {"name": name}}
        collection.put(Entry(f"/core/events/default/{name}", stored_form(obj), revision))

    put("stays", 1)
    put("goes", 2)
    collection.delete("default", "goes", 3)
    notices = collection.changes(0) or []
    assert [(one.type, one.entry.object["metadata"]["name"]) for one in notices] == [
        ("ADDED", "stays"),
        ("ADDED", "goes"),
        ("DELETED", "goes"),
    ]
    assert [keeps_its_object(one.entry) for one in notices] == [True, False, True]
    assert notices[2].line is notices[2].line
    for revision in range(4, 304):
        put("busy", revision)
    assert [keeps_its_object(one.entry) for one in notices] == [not rests, False, False]
    assert all(one.entry.object["metadata"]["resourceVersion"] for one in notices)


def keeps_its_object(entry: Entry) -> bool:
    return entry.object is entry.object


def test_history_of_large_objects_is_short(engine: Engine, tmp_path: Path) -> None:
    async def main() -> None:
        async with cached(engine, tmp_path) as (store, cache):
            revisions = [await put(store, f"c{n}", 0, text="x" * 1_000_000) for n in range(20)]
            await cache.fresh()
            with pytest.raises(StatusError, match="too old resource version"):
                async with cache.watch(CONFIGMAPS, EVERYTHING, revisions[0]):
                    pass
            async with cache.watch(CONFIGMAPS, EVERYTHING, revisions[-10]) as watcher:
                assert len(watcher.take()) == 9

    run(main())


def test_the_cache_begins_anew_when_the_store_forgets_too_soon(
    engine: Engine, tmp_path: Path
) -> None:
    """What another API server on the same store may do to this one."""

    async def main() -> None:
        store = await engine.open(tmp_path)
        revision = await put(store, "a", 0)
        cache = WatchCache(store)
        await cache.start()
        async with cache.watch(CONFIGMAPS, EVERYTHING, revision) as watcher:
            # Both land in the store before the cache looks again.
            writes = [asyncio.create_task(put(store, f"b{n}", 0)) for n in range(3)]
            await asyncio.gather(*writes, store.compact(revision + 3))
            await cache.fresh()
            assert {entry.name for entry in cache.entries(CONFIGMAPS)} == {"a", "b0", "b1", "b2"}
            assert watcher.lost or len(watcher.take()) == 3
        await cache.stop()
        await store.close()

    run(main())


def test_history_survives_a_restart_of_the_server(engine: Engine, tmp_path: Path) -> None:
    async def main() -> None:
        async with cached(engine, tmp_path) as (store, cache):
            first = await put(store, "a", 0)
            await put(store, "a", first, size="big")
            await put(store, "b", 0)
        async with (
            cached(engine, tmp_path) as (store, cache),
            cache.watch(CONFIGMAPS, EVERYTHING, first) as watcher,
        ):
            assert names(watcher.take()) == [("MODIFIED", "a"), ("ADDED", "b")]
        async with cached(engine, tmp_path, history=1) as (store, cache):
            assert sorted(entry.name for entry in cache.entries(CONFIGMAPS)) == ["a", "b"]
            with pytest.raises(StatusError):
                async with cache.watch(CONFIGMAPS, EVERYTHING, first):
                    pass

    run(main())


def test_a_revision_that_has_not_happened_is_waited_for_a_while(
    engine: Engine, tmp_path: Path
) -> None:
    async def main() -> None:
        async with cached(engine, tmp_path) as (store, cache):
            waiting = asyncio.create_task(cache.reached(cache.revision + 1))
            current = await put(store, "a", 0)
            await waiting
            with pytest.raises(StatusError) as caught:
                await cache.reached(current + 1000)
            assert caught.value.code == 504
            assert caught.value.message == (
                f"Too large resource version: {current + 1000}, current: {current}"
            )

    run(main())
