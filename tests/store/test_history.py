"""Watching and forgetting, of every engine."""

import asyncio
import contextlib
from contextlib import aclosing
from pathlib import Path

import pytest

from labctl.store import Expired, Store
from tests.store.engines import (
    Engine,
    churn,
    contents,
    events_to,
    events_until,
    opened,
    replay,
    run,
)


def test_list_then_watch_misses_nothing_under_load(engine: Engine, tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(engine, tmp_path) as store:
            load = asyncio.gather(*(churn(store, writer, 60) for writer in range(16)))

            async def check() -> None:
                page = await store.page("/load/")
                start = {item.key: item.value for item in page.items}
                await load
                end = await store.revision()
                events = await events_until(store, "/load/", page.revision, end)
                assert [e.revision for e in events] == sorted({e.revision for e in events})
                reached = events[-1].revision if events else page.revision
                assert replay(start, events) == await contents(store, "/load/", reached)

            checks = [asyncio.create_task(check())]
            while not load.done():
                await store.txn(f"/check/{len(checks)}", 0, b"")
                checks.append(asyncio.create_task(check()))
            await store.txn("/load/end", 0, b"")
            await asyncio.gather(*checks)
            assert len(checks) > 3

    run(main())


def test_all_watchers_see_the_same_order(engine: Engine, tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(engine, tmp_path) as store:
            watchers = [
                asyncio.create_task(events_to(store, "/load/", store.floor, "/load/end"))
                for _ in range(5)
            ]
            await asyncio.gather(*(churn(store, writer, 30) for writer in range(16)))
            await store.txn("/load/end", 0, b"")
            seen = await asyncio.gather(*watchers)
            assert len(seen[0]) == 16 * 30 + 1
            assert all(events == seen[0] for events in seen)

    run(main())


def test_a_watcher_that_does_not_read_delays_nobody_and_misses_nothing(
    engine: Engine, tmp_path: Path
) -> None:
    async def main() -> None:
        async with (
            opened(engine, tmp_path) as store,
            aclosing(store.watch("/", store.floor)) as slow,
        ):
            await store.txn("/load/first", 0, b"x")
            seen = await anext(slow)
            await asyncio.gather(*(churn(store, writer, 100) for writer in range(30)))
            end = await store.revision()
            quick = await events_until(store, "/", store.floor, end)
            assert len(quick) == 30 * 100 + 1
            while seen[-1].revision < end:
                seen += await anext(slow)
            assert seen == quick

    run(main())


def test_compaction_forgets_history_and_nothing_else(engine: Engine, tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(engine, tmp_path) as store:
            await asyncio.gather(*(churn(store, writer, 40) for writer in range(8)))
            end = await store.revision()
            middle = (store.floor + end) // 2
            then, now = await contents(store, at_revision=middle), await contents(store)
            later = await events_until(store, "/", middle, end)

            await store.compact(middle)

            assert store.floor == middle
            assert await contents(store) == now
            assert await contents(store, at_revision=middle) == then
            assert await events_until(store, "/", middle, end) == later
            with pytest.raises(Expired) as listing:
                await store.page("/", at_revision=middle - 1)
            assert listing.value.floor == middle
            with pytest.raises(Expired):
                await events_until(store, "/", middle - 1, end)

    run(main())


def test_compaction_beyond_the_newest_revision_stops_there(engine: Engine, tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(engine, tmp_path) as store:
            revision = await store.txn("/k", 0, b"x")
            await store.compact(revision + 100)
            assert store.floor == revision
            await store.compact(1)
            assert store.floor == revision
            assert await store.txn("/k", revision, b"y") > revision

    run(main())


def test_compaction_ends_a_watch_that_it_overtook(engine: Engine, tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            opened(engine, tmp_path) as store,
            aclosing(store.watch("/", store.floor)) as watch,
        ):
            await store.txn("/a", 0, b"x")
            seen = await anext(watch)
            await store.txn("/b", 0, b"x")
            await store.compact(await store.txn("/c", 0, b"x"))
            # It ends, or had been told before: etcd sends what a slow reader has yet to take.
            with contextlib.suppress(Expired):
                while len(seen) < 3:
                    seen += await anext(watch)
            assert [event.key for event in seen] in (["/a"], ["/a", "/b", "/c"])

    run(main())


def test_closing_ends_watches(engine: Engine, tmp_path: Path) -> None:
    async def main() -> None:
        seen: asyncio.Queue[int] = asyncio.Queue()

        async def follow(store: Store) -> None:
            async for batch in store.watch("/", store.floor):
                seen.put_nowait(len(batch))

        async with opened(engine, tmp_path) as store:
            followers = [asyncio.create_task(follow(store)) for _ in range(3)]
            await store.txn("/a", 0, b"x")
            assert [await seen.get() for _ in followers] == [1, 1, 1]
        await asyncio.gather(*followers)

    run(main())
