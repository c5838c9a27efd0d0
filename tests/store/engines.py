"""The engines that the contract is held to, and small helpers to speak of what they keep."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from labctl.store import Event, Store
from labctl.store.etcd.cluster import Cluster
from labctl.store.sqlite import SqliteStore


@dataclass(frozen=True)
class Engine:
    """`open` opens the store that belongs to a directory; `words` tell another process of it."""

    words: tuple[str, ...]
    open: Callable[[Path], Awaitable[Store]]

    @classmethod
    def of(cls, words: tuple[str, ...]) -> "Engine":
        name, *endpoints = words
        if name == "sqlite":
            return cls(words, _open_sqlite)
        return cls(words, lambda directory: open_etcd(Cluster(tuple(endpoints)), directory))


async def _open_sqlite(directory: Path) -> Store:
    return SqliteStore.open(directory / "store.db")


async def open_etcd(cluster: Cluster, directory: Path, patience: float = 5.0) -> Store:
    """A store whose prefix is the directory's alone."""
    from labctl.store.etcd.store import EtcdStore  # grpc, which most tests do without

    root = f"/test/{sha256(bytes(directory)).hexdigest()[:16]}/"
    return await EtcdStore.open(cluster, root, "test", patience)


@asynccontextmanager
async def opened(engine: Engine, directory: Path) -> AsyncIterator[Store]:
    """The store of an engine in `directory`, closed at the end; opening again finds it as it was."""
    store = await engine.open(directory)
    try:
        yield store
    finally:
        await store.close()


async def events_until(store: Store, prefix: str, after: int, until: int) -> list[Event]:
    """Watches `prefix` after a revision until it has seen revision `until`."""
    if after >= until:
        return []
    return await _events(store, prefix, after, lambda event: event.revision >= until)


async def events_to(store: Store, prefix: str, after: int, key: str) -> list[Event]:
    """Watches `prefix` after a revision until it has seen a change of `key`."""
    return await _events(store, prefix, after, lambda event: event.key == key)


async def _events(
    store: Store, prefix: str, after: int, is_last: Callable[[Event], bool]
) -> list[Event]:
    seen: list[Event] = []
    async with aclosing(store.watch(prefix, after)) as batches:
        async for batch in batches:
            seen += batch
            if is_last(seen[-1]):
                return seen
    raise AssertionError("the watch ended")


def replay(state: dict[str, bytes], events: list[Event]) -> dict[str, bytes]:
    """What a state becomes by a list of events, which must fit it."""
    state = dict(state)
    for event in events:
        assert state.get(event.key) == event.previous
        if event.value is None:
            del state[event.key]
        else:
            state[event.key] = event.value
    return state


async def contents(store: Store, prefix: str = "/", at_revision: int = 0) -> dict[str, bytes]:
    page = await store.page(prefix, at_revision=at_revision)
    return {item.key: item.value for item in page.items}


def run(main: Coroutine[Any, Any, None], seconds: float = 60) -> None:
    asyncio.run(asyncio.wait_for(main, seconds))


async def churn(store: Store, writer: int, rounds: int) -> None:
    """Writes one key again and again, deleting it now and then."""
    key, revision = f"/load/{writer}", 0
    for n in range(rounds):
        value = None if revision and n % 7 == 6 else f"{n}".encode()
        written = await store.txn(key, revision, value)
        revision = written if value is not None else 0
