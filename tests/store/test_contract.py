"""What the API server relies on, of every engine."""

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from labctl.store import Conflict
from tests.store.engines import Engine, contents, events_to, events_until, opened, run


def test_a_write_takes_the_next_revision_and_is_read_back(engine: Engine, tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(engine, tmp_path) as store:
            before = await store.revision()
            first = await store.txn("/core/pods/default/a", 0, b"1")
            second = await store.txn("/core/pods/default/a", first, b"2")
            third = await store.txn("/core/nodes/n", 0, b"3")
            assert before < first < second < third == await store.revision()
            found = await store.get("/core/pods/default/a")
            assert found is not None
            assert (found.value, found.revision, found.created) == (b"2", second, first)
            assert await store.get("/core/pods/default/b") is None

    run(main())


def test_a_write_on_the_wrong_revision_is_refused_with_what_is_there(
    engine: Engine, tmp_path: Path
) -> None:
    async def main() -> None:
        async with opened(engine, tmp_path) as store:
            with pytest.raises(Conflict) as missing:
                await store.txn("/k", 7, b"x")
            assert missing.value.current is None
            revision = await store.txn("/k", 0, b"x")
            for expect in (0, revision + 1):
                with pytest.raises(Conflict) as stale:
                    await store.txn("/k", expect, b"y")
                assert stale.value.current == await store.get("/k")
            with pytest.raises(Conflict):
                await store.txn("/k", revision + 1, None)
            assert await store.revision() == revision

    run(main())


def test_deleting_takes_a_revision_and_shows_the_last_value(engine: Engine, tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(engine, tmp_path) as store:
            created = await store.txn("/k", 0, b"x")
            deleted = await store.txn("/k", created, None)
            again = await store.txn("/k", 0, b"y")
            events = await events_until(store, "/", store.floor, again)
            assert [(e.revision, e.value, e.previous) for e in events] == [
                (created, b"x", None),
                (deleted, None, b"x"),
                (again, b"y", None),
            ]
            found = await store.get("/k")
            assert found is not None
            assert found.created == again

    run(main())


def test_of_racing_writers_exactly_one_wins_each_round(engine: Engine, tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(engine, tmp_path) as store:
            await store.txn("/counter", 0, b"0")

            async def increment() -> int:
                conflicts = 0
                while True:
                    found = await store.get("/counter")
                    assert found is not None
                    value = str(int(found.value) + 1).encode()
                    try:
                        await store.txn("/counter", found.revision, value)
                    except Conflict:
                        conflicts += 1
                    else:
                        return conflicts

            conflicts = await asyncio.gather(*(increment() for _ in range(40)))
            assert (await contents(store)) == {"/counter": b"40"}
            assert sum(conflicts) > 0
            written = await events_until(store, "/counter", store.floor, await store.revision())
            assert len(written) == 41

    run(main())


def test_of_racing_creators_and_deleters_exactly_one_wins(engine: Engine, tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(engine, tmp_path) as store:
            created = await asyncio.gather(
                *(store.txn("/k", 0, str(n).encode()) for n in range(20)), return_exceptions=True
            )
            winners = [outcome for outcome in created if isinstance(outcome, int)]
            assert len(winners) == 1
            deleted = await asyncio.gather(
                *(store.txn("/k", winners[0], None) for _ in range(20)), return_exceptions=True
            )
            assert Counter(type(outcome) for outcome in deleted) == {int: 1, Conflict: 19}

    run(main())


def test_a_listing_is_of_one_prefix_and_in_order(engine: Engine, tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(engine, tmp_path) as store:
            for key in ("/core/pods/b/1", "/core/pods/a/2", "/core/podsx/a/1", "/core/pods/a/1"):
                await store.txn(key, 0, b"x")
            page = await store.page("/core/pods/")
            assert [i.key for i in page.items] == [
                "/core/pods/a/1",
                "/core/pods/a/2",
                "/core/pods/b/1",
            ]
            assert page.revision >= await store.revision()
            assert await contents(store, "/core/pods/b/") == {"/core/pods/b/1": b"x"}

    run(main())


def test_pages_at_a_revision_do_not_see_what_came_later(engine: Engine, tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(engine, tmp_path) as store:
            revisions = {n: await store.txn(f"/p/{n:02}", 0, b"old") for n in range(20)}
            first = await store.page("/p/", limit=8)
            assert (first.more, first.remaining) == (True, 12)
            await store.txn("/p/05", revisions[5], b"new")
            await store.txn("/p/10", revisions[10], None)
            await store.txn("/p/15", revisions[15], b"new")
            await store.txn("/p/055", 0, b"new")
            await store.txn("/p/99", 0, b"new")
            second = await store.page(
                "/p/", limit=8, after=first.items[-1].key, at_revision=first.revision
            )
            third = await store.page(
                "/p/", limit=8, after=second.items[-1].key, at_revision=first.revision
            )
            items = [*first.items, *second.items, *third.items]
            assert [(i.key, i.value) for i in items] == [(f"/p/{n:02}", b"old") for n in range(20)]
            assert (third.more, third.remaining) == (False, 0)
            assert items[10].revision == revisions[10]

    run(main())


def test_opening_again_finds_everything_and_never_goes_back(engine: Engine, tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(engine, tmp_path) as store:
            kept = await store.txn("/kept", 0, b"x")
            newest = await store.txn("/gone", 0, b"x")
            newest = await store.txn("/gone", newest, None)
            await store.compact(newest)
        async with opened(engine, tmp_path) as store:
            assert await store.revision() == newest
            assert store.floor == newest
            assert (await store.page("/")).revision >= newest
            found = await store.get("/kept")
            assert found is not None
            assert (found.revision, found.value) == (kept, b"x")
            assert await store.txn("/new", 0, b"x") > newest

    run(main())


def test_a_key_with_a_time_to_live_goes_by_an_ordinary_delete(
    engine: Engine, tmp_path: Path
) -> None:
    async def main() -> None:
        async with opened(engine, tmp_path) as store:
            await store.txn("/kept", 0, b"x")
            await store.txn("/events/a", 0, b"a", ttl=0.2)
            written = await store.txn("/events/b", 0, b"b", ttl=0.2)
            renewed = await store.txn("/events/b", written, b"b2", ttl=3600)
            (event,) = await events_to(store, "/", renewed, "/events/a")
            assert (event.key, event.value, event.previous) == ("/events/a", None, b"a")
            assert set(await contents(store)) == {"/kept", "/events/b"}

    run(main())


def test_a_time_to_live_goes_on_while_the_store_is_closed(engine: Engine, tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(engine, tmp_path) as store:
            written = await store.txn("/events/a", 0, b"a", ttl=0.05)
        async with opened(engine, tmp_path) as store:
            (event,) = await events_to(store, "/", written, "/events/a")
            assert (event.key, event.value) == ("/events/a", None)

    run(main())
