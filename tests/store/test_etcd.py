"""What can happen to an etcd, and what its stores make of it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import pytest

from labctl.store import Conflict, OutcomeUnknown, Store, StoreError, TooLarge
from labctl.store.etcd.cluster import Cluster
from labctl.store.etcd.connection import Connection
from labctl.store.etcd.keys import get
from labctl.store.etcd.removal import remove
from labctl.store.etcd.shared import Shared
from labctl.store.etcd.store import EtcdStore
from tests.store.engines import contents, events_to, events_until, open_etcd, replay, run
from tests.store.etcd_process import EtcdProcess, etcd_members, running_etcd, secured_etcd

_PATIENCE = 1.0


@pytest.fixture
def own(tmp_path: Path) -> Iterator[EtcdProcess]:
    """An etcd to be hurt."""
    with running_etcd(tmp_path) as process:
        yield process


@asynccontextmanager
async def connected(etcd: EtcdProcess, patience: float = _PATIENCE) -> AsyncIterator[Store]:
    store = await open_etcd(etcd.cluster, Path("/lab"), patience)
    try:
        yield store
    finally:
        await store.close()


async def until_written(store: Store, key: str) -> int:
    """Creates a key as soon as that is possible; the outcome of every attempt must be told."""
    while True:
        try:
            return await store.txn(key, 0, b"x")
        except OutcomeUnknown:
            found = await _until_answered(store, key)
            if found:
                return found
        except StoreError:
            continue


async def _until_answered(store: Store, key: str) -> int:
    while True:
        try:
            found = await store.get(key)
        except StoreError:
            continue
        return found.revision if found else 0


async def elapsed(work: Awaitable[object]) -> float:
    """How long it took to fail with StoreError."""
    clock = asyncio.get_running_loop().time
    began = clock()
    with pytest.raises(StoreError):
        await work
    return clock() - began


def test_killed_and_started_again_nothing_of_a_watch_is_lost(own: EtcdProcess) -> None:
    async def main() -> None:
        async with connected(own) as store, connected(own) as other:
            watch = asyncio.create_task(events_to(store, "/", store.floor, "/end"))
            keys = [f"/k/{number}" for number in range(40)]
            for number, key in enumerate(keys):
                await until_written(other, key)
                if number in (10, 20, 30):
                    own.kill()
                    own.start()
            await until_written(other, "/end")
            assert [event.key for event in await watch] == [*keys, "/end"]

    run(main())


def test_while_it_is_dead_reads_and_writes_fail_soon(own: EtcdProcess) -> None:
    async def main() -> None:
        async with connected(own) as store:
            revision = await store.txn("/k", 0, b"x")
            own.kill()
            for attempt in (
                store.txn("/k", revision, b"y"),
                store.txn("/new", 0, b"y"),
                store.revision(),
                store.get("/k"),
                store.page("/"),
            ):
                assert await elapsed(attempt) < 3 * _PATIENCE
            own.start()
            await until_written(store, "/after")
            assert await store.revision() > revision

    run(main())


def test_while_it_stands_still_reads_and_writes_fail_soon(own: EtcdProcess) -> None:
    async def main() -> None:
        async with connected(own) as store:
            watch = asyncio.create_task(events_to(store, "/", store.floor, "/end"))
            revision = await store.txn("/k", 0, b"x")
            own.freeze()
            with pytest.raises(OutcomeUnknown):
                await store.txn("/unknown", 0, b"x")
            # What was sent on a dead connection may yet happen; without one, nothing can.
            with pytest.raises(StoreError) as refused:
                await store.txn("/refused", 0, b"y")
            assert not isinstance(refused.value, OutcomeUnknown)
            for attempt in (store.revision(), store.get("/k"), store.page("/")):
                assert await elapsed(attempt) < 3 * _PATIENCE
            own.thaw()
            await until_written(store, "/end")
            assert await store.get("/refused") is None
            assert await store.revision() > revision
            seen = [event.key for event in await watch if event.key != "/unknown"]
            assert seen == ["/k", "/end"]

    run(main())


def test_a_watch_notices_by_itself_that_nobody_answers(
    own: EtcdProcess, caplog: pytest.LogCaptureFixture
) -> None:
    """Another server writes; this one does nothing but watch."""

    async def main() -> None:
        async with (
            connected(own) as store,
            connected(own) as other,
            aclosing(store.watch("/", store.floor)) as watch,
        ):
            await other.txn("/a", 0, b"x")
            await anext(watch)
            reading = asyncio.ensure_future(anext(watch))
            own.freeze()
            for _ in range(3):
                await elapsed(other.revision())
            assert "etcd does not answer any more; watching again" in caplog.text
            own.thaw()
            await until_written(other, "/b")
            assert [event.key for event in await reading] == ["/b"]

    run(main())


def test_a_store_opens_when_etcd_is_late(own: EtcdProcess) -> None:
    async def main() -> None:
        own.kill()
        late = asyncio.create_task(open_etcd(own.cluster, Path("/lab")))
        await asyncio.wait({late}, timeout=0.3)
        own.start()
        store = await late
        await store.close()
        own.kill()
        with pytest.raises(StoreError, match="no etcd answers at unix:"):
            await open_etcd(own.cluster, Path("/lab"), _PATIENCE)

    run(main())


def test_a_certificate_opens_what_is_closed_to_all_others(tmp_path: Path) -> None:
    async def main(cluster: Cluster) -> None:
        store = await EtcdStore.open(cluster, "/lab/", "me")
        await store.txn("/k", 0, b"x")
        assert await contents(store) == {"/k": b"x"}
        await store.close()
        for files in ((), (cluster.ca_file,)):
            stranger = Cluster(cluster.endpoints, *files)
            with pytest.raises(StoreError, match="no etcd answers at https:"):
                await EtcdStore.open(stranger, "/lab/", "me", _PATIENCE)
        lost = Cluster(cluster.endpoints, f"{tmp_path}/nothing.crt")
        with pytest.raises(StoreError, match=r"nothing\.crt: No such file"):
            await EtcdStore.open(lost, "/lab/", "me")

    with secured_etcd(tmp_path) as etcd:
        run(main(etcd.cluster))


def test_a_dead_endpoint_is_passed_over(etcd: EtcdProcess, tmp_path: Path) -> None:
    async def main() -> None:
        dead = f"unix://{tmp_path}/nobody"
        cluster = Cluster((dead, *etcd.cluster.endpoints, dead))
        store = await open_etcd(cluster, tmp_path)
        revision = await store.txn("/k", 0, b"x")
        assert await store.revision() == revision
        await store.close()
        with pytest.raises(StoreError, match="no etcd answers"):
            await open_etcd(Cluster((dead, dead)), tmp_path, _PATIENCE)

    run(main())


def test_closing_ends_what_waits_for_an_etcd(own: EtcdProcess) -> None:
    async def main() -> None:
        store = await open_etcd(own.cluster, Path("/lab"))
        revision = await store.txn("/k", 0, b"x")
        own.freeze()
        sent = [asyncio.ensure_future(store.txn("/k", revision, b"y")) for _ in range(3)]
        watch = asyncio.ensure_future(anext(aiter(store.watch("/", revision))))
        await asyncio.wait(sent, timeout=0.2)
        await store.close()
        outcomes = await asyncio.gather(*sent, watch, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [OutcomeUnknown] * 3 + [
            StopAsyncIteration
        ]

        own.kill()
        nobody = Connection(own.cluster, 5.0)
        waiting = asyncio.ensure_future(nobody.write("Range", get(b"k")))
        await asyncio.wait({waiting}, timeout=0.2)
        await nobody.close()
        with pytest.raises(StoreError):
            await waiting

    run(main())


def test_a_stalled_endpoint_is_left_for_the_next(own: EtcdProcess, tmp_path: Path) -> None:
    async def main() -> None:
        (tmp_path / "stalled").mkdir()
        with running_etcd(tmp_path / "stalled") as stalled:
            async with connected(stalled):
                stalled.freeze()
            cluster = Cluster((*stalled.cluster.endpoints, *own.cluster.endpoints))
            connection = Connection(cluster, _PATIENCE)
            question = get(b"k")
            await elapsed(connection.ask("Range", question))
            assert (await connection.ask("Range", question)).header.revision
            await connection.close()

    run(main())


def test_a_cluster_goes_on_without_any_one_of_its_members(tmp_path: Path) -> None:
    async def main(members: list[EtcdProcess]) -> None:
        async with connected(members[0], patience=20):
            pass  # it has a leader
        async with connected(members[0]) as store, connected(members[0]) as other:
            watch = asyncio.create_task(events_to(store, "/", store.floor, "/end"))
            keys = [f"/k/{number}" for number in range(3 * len(members))]
            for number, key in enumerate(keys):
                member = members[number // 3]
                await until_written(other, key)
                if number % 3 == 0:
                    member.freeze()
                elif number % 3 == 1:
                    member.kill()
                else:
                    member.start()
            await until_written(other, "/end")
            assert [event.key for event in await watch] == [*keys, "/end"]

    with etcd_members(tmp_path) as members:
        run(main(members))


def test_two_servers_see_the_same_in_the_same_order(etcd: EtcdProcess, tmp_path: Path) -> None:
    async def main() -> None:
        first, second = (
            await open_etcd(etcd.cluster, tmp_path),
            await open_etcd(etcd.cluster, tmp_path),
        )
        watches = [
            asyncio.create_task(events_to(store, "/", first.floor, "/end"))
            for store in (first, second)
        ]

        async def write(store: Store, name: str) -> None:
            revision = 0
            for number in range(50):
                revision = await store.txn(f"/{name}", revision, b"%d" % number)
                other = first if store is second else second
                assert await other.revision() >= revision
                found = await other.get(f"/{name}")
                assert found is not None
                assert found.revision >= revision

        await asyncio.gather(write(first, "a"), write(second, "b"), write(second, "c"))
        await first.txn("/end", 0, b"")
        seen = [await watch for watch in watches]
        assert seen[0] == seen[1]
        assert replay({}, seen[0]) == await contents(second)
        await asyncio.gather(first.close(), second.close())

    run(main())


def test_other_users_of_an_etcd_do_not_show(etcd: EtcdProcess, tmp_path: Path) -> None:
    """Their writes only make revisions jump; a prefix of one is no prefix of another."""

    async def main() -> None:
        mine = await EtcdStore.open(etcd.cluster, f"{tmp_path}/lab/", "me")
        theirs = await EtcdStore.open(etcd.cluster, f"{tmp_path}/lab2/", "them")
        first = await mine.txn("/k", 0, b"x")
        for number in range(5):
            await theirs.txn(f"/{number}", 0, b"y")
        assert await mine.revision() == first
        second = await mine.txn("/k", first, b"z")
        assert second > first + 5
        seen = await events_until(mine, "/", mine.floor, second)
        assert [event.revision for event in seen] == [first, second]
        assert await contents(mine) == {"/k": b"z"}
        await theirs.compact(await theirs.revision())
        assert await contents(mine, at_revision=second) == {"/k": b"z"}
        await asyncio.gather(mine.close(), theirs.close())

    run(main())


def test_the_keys_of_another_lab_are_left_alone(etcd: EtcdProcess, tmp_path: Path) -> None:
    async def main() -> None:
        root = f"{tmp_path}/"
        mine = await EtcdStore.open(etcd.cluster, root, "me")
        revision = await mine.txn("/k", 0, b"x")
        with pytest.raises(StoreError, match="belongs to another lab"):
            await EtcdStore.open(etcd.cluster, root, "somebody else")
        await remove(etcd.cluster, root, "somebody else", 5)
        assert await mine.revision() == revision
        await remove(etcd.cluster, root, "me", 5)
        await remove(etcd.cluster, root, "me", 5)  # a second time is no harm
        with pytest.raises(StoreError, match="was removed"):
            await mine.revision()
        await mine.close()
        theirs = await EtcdStore.open(etcd.cluster, root, "somebody else")
        assert await contents(theirs) == {}
        await theirs.close()

    run(main())


def test_of_two_servers_one_compacts(etcd: EtcdProcess, tmp_path: Path) -> None:
    async def main() -> None:
        stores = [await open_etcd(etcd.cluster, tmp_path) for _ in range(2)]
        first, second = stores
        old = await first.txn("/k", 0, b"1")
        new = await first.txn("/k", old, b"2")
        await first.compact(old)
        await second.compact(new)  # which it need not do: another did, since it looked last
        assert (first.floor, second.floor) == (old, old)
        assert await contents(second, at_revision=old) == {"/k": b"1"}
        await second.compact(new)
        assert second.floor == new
        await asyncio.gather(first.close(), second.close())

    run(main())


def test_what_is_too_large_is_refused_and_nothing_else(etcd: EtcdProcess, tmp_path: Path) -> None:
    async def main() -> None:
        store = await open_etcd(etcd.cluster, tmp_path)
        for size in (1_600_000, 3_000_000, 20_000_000):
            with pytest.raises(TooLarge, match="etcdserver: request is too large"):
                await store.txn("/k", 0, b"x" * size)
        revision = await store.txn("/k", 0, b"x" * 1_500_000)
        (event,) = await events_until(store, "/", store.floor, revision)
        assert len(event.value or b"") == 1_500_000
        await store.close()

    run(main())


def test_many_large_values_are_watched_in_fragments(etcd: EtcdProcess, tmp_path: Path) -> None:
    async def main() -> None:
        store = await open_etcd(etcd.cluster, tmp_path)
        for number in range(12):
            revision = await store.txn(f"/{number}", 0, b"x" * 1_000_000)
        seen = await events_until(store, "/", store.floor, revision)
        assert [event.key for event in seen] == [f"/{number}" for number in range(12)]
        assert len((await store.page("/")).items) == 12
        await store.close()

    run(main())


def test_keys_written_together_share_a_lease(etcd: EtcdProcess, tmp_path: Path) -> None:
    async def main() -> None:
        store = await open_etcd(etcd.cluster, tmp_path)
        assert isinstance(store, EtcdStore)
        numbers = {await store._leases.take(3600) for _ in range(20)}
        assert len(numbers) == 1
        assert await store._leases.take(60) not in numbers
        many = {await store._leases.take(3600) for _ in range(1000)}
        assert len(many) == 2
        await asyncio.gather(*(store.txn(f"/{n}", 0, b"x", ttl=3600) for n in range(20)))
        await store.close()

    run(main())


def test_a_lease_that_is_gone_is_replaced(etcd: EtcdProcess, tmp_path: Path) -> None:
    async def main() -> None:
        store = await open_etcd(etcd.cluster, tmp_path)
        assert isinstance(store, EtcdStore)
        await store._leases.take(3600)
        (lease,) = store._leases._leases.values()
        lease.number = asyncio.ensure_future(_number(12345))
        await store.txn("/k", 0, b"x", ttl=3600)
        assert await contents(store) == {"/k": b"x"}
        await store.close()

    async def _number(value: int) -> int:
        return value

    run(main())


def test_who_asks_at_once_shares_an_answer_that_is_not_older_than_the_question() -> None:
    async def main() -> None:
        asked, moment = 0, asyncio.Event()

        async def ask() -> int:
            nonlocal asked
            asked += 1
            mine = asked
            await moment.wait()
            return mine

        shared = Shared(ask)
        early = [asyncio.create_task(shared()) for _ in range(3)]
        while not asked:
            await asyncio.wait(early, timeout=0.001)
        late = [asyncio.create_task(shared()) for _ in range(3)]
        await asyncio.wait(late, timeout=0.01)
        late[0].cancel()
        moment.set()
        assert await asyncio.gather(*early) == [1, 1, 1]
        assert await asyncio.gather(*late[1:]) == [2, 2]
        assert await shared() == 3

    run(main())


def test_a_conflict_tells_what_is_there_without_asking_again(
    etcd: EtcdProcess, tmp_path: Path
) -> None:
    async def main() -> None:
        store = await open_etcd(etcd.cluster, tmp_path)
        revision = await store.txn("/k", 0, b"x")
        with pytest.raises(Conflict) as caught:
            await store.txn("/k", 0, b"y")
        assert caught.value.current is not None
        assert (caught.value.current.revision, caught.value.current.value) == (revision, b"x")
        await store.close()

    run(main())
