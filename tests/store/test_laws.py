"""The laws of the store as properties: replay equals the list, and acknowledged writes survive."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labctl.store import Store, StoreError
from labctl.store.sqlite import SqliteStore
from tests.store.engines import Engine, contents, events_until, opened, replay

# A step writes or deletes one of a few keys, compacts to a fraction of the history, or reopens.
_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.integers(0, 5)),
        st.tuples(st.just("delete"), st.integers(0, 5)),
        st.tuples(st.just("compact"), st.integers(1, 4)),
        st.tuples(st.just("reopen"), st.just(0)),
    ),
    max_size=40,
)


async def _put(store: Store, number: int) -> None:
    key = f"/k/{number}"
    found = await store.get(key)
    await store.txn(key, found.revision if found else 0, f"{await store.revision()}".encode())


async def _delete(store: Store, number: int) -> None:
    found = await store.get(f"/k/{number}")
    if found is not None:
        await store.txn(found.key, found.revision, None)


async def _compact(store: Store, quarters: int) -> None:
    await store.compact(store.floor + (await store.revision() - store.floor) * quarters // 4)


async def _check_every_revision(store: Store) -> None:
    end = await store.revision()
    now = await contents(store)

    async def check(revision: int) -> None:
        then = await contents(store, at_revision=revision)
        assert replay(then, await events_until(store, "/", revision, end)) == now

    # All at once: etcd begins with watches of the past ten times a second.
    await asyncio.gather(*map(check, range(max(store.floor, 1), end + 1)))


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=_STEPS)
def test_a_replay_from_any_revision_equals_the_list(
    engine: Engine, steps: list[tuple[str, int]]
) -> None:
    actions = {"put": _put, "delete": _delete, "compact": _compact}

    async def run_until_reopen(directory: Path, remaining: list[tuple[str, int]]) -> None:
        async with opened(engine, directory) as store:
            while remaining:
                action, number = remaining.pop(0)
                if action == "reopen":
                    return
                await actions[action](store, number)
            await _check_every_revision(store)

    with tempfile.TemporaryDirectory() as directory:
        remaining = list(steps)
        while remaining:
            asyncio.run(run_until_reopen(Path(directory), remaining))
        asyncio.run(run_until_reopen(Path(directory), []))


# Writes without end, several at a time, and tells of each write once it was acknowledged.
_WRITER = """
import asyncio, sys
from pathlib import Path
from labctl.store.sqlite import SqliteStore

async def write(store, writer):
    n = 0
    while True:
        key = f"/k/{writer}/{n}"
        revision = await store.txn(key, 0, b"x" * 500)
        print(key, revision, flush=True)
        n += 1

async def main():
    store = SqliteStore.open(Path(sys.argv[1]))
    await asyncio.gather(*(write(store, writer) for writer in range(20)))

asyncio.run(main())
"""


def test_acknowledged_writes_survive_sigkill(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    acknowledged: dict[str, int] = {}
    for _ in range(3):
        path.unlink(missing_ok=True)
        for leftover in tmp_path.glob("store.db-*"):
            leftover.unlink()
        acknowledged = _write_and_kill(path, lines=400)
        found = asyncio.run(_read_all(path))
        assert len(acknowledged) >= 400
        assert acknowledged.items() <= found.items()


def _write_and_kill(path: Path, lines: int) -> dict[str, int]:
    command = [sys.executable, "-c", _WRITER, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        told = [writer.stdout.readline() for _ in range(lines)]
        os.kill(writer.pid, signal.SIGKILL)
        told += writer.stdout.read().splitlines(keepends=True)
    whole = (line.split() for line in told if line.endswith("\n"))
    return {key: int(revision) for key, revision in whole}


async def _read_all(path: Path) -> dict[str, int]:
    store = SqliteStore.open(path)
    try:
        page = await store.page("/k/")
        assert await store.revision() == max(item.revision for item in page.items)
        return {item.key: item.revision for item in page.items}
    finally:
        await store.close()


def test_a_store_has_one_writer_and_is_private(tmp_path: Path) -> None:
    async def main() -> None:
        path = tmp_path / "store.db"
        store = SqliteStore.open(path)
        with pytest.raises(StoreError, match="open in another process"):
            SqliteStore.open(path)
        await store.txn("/k", 0, b"x")
        for file in tmp_path.iterdir():
            assert file.stat().st_mode & 0o077 == 0
        await store.close()
        with pytest.raises(StoreError):
            await store.txn("/k2", 0, b"x")

    asyncio.run(main())


def test_a_full_disk_fails_the_write_and_nothing_else(tmp_path: Path) -> None:
    async def main() -> None:
        store = SqliteStore.open(tmp_path / "store.db")
        kept = await store.txn("/kept", 0, b"x")
        (pages,) = store._writer.execute("PRAGMA page_count").fetchone()
        store._writer.execute(f"PRAGMA max_page_count={pages + 2}")
        outcomes = await asyncio.gather(
            *(store.txn(f"/big/{n}", 0, b"x" * 50_000) for n in range(3)), return_exceptions=True
        )
        assert all(isinstance(outcome, StoreError) for outcome in outcomes)
        assert await contents(store) == {"/kept": b"x"}
        assert await store.revision() == kept
        store._writer.execute("PRAGMA max_page_count=100000")
        assert await store.txn("/after", 0, b"x") == kept + 1
        await store.close()

    asyncio.run(main())


def test_a_file_that_is_no_store_is_one_clear_error(tmp_path: Path) -> None:
    async def main() -> None:
        path = tmp_path / "store.db"
        path.write_bytes(b"this is not a database" * 100)
        with pytest.raises(StoreError, match=r"store\.db: file is not a database"):
            SqliteStore.open(path)

    asyncio.run(main())
