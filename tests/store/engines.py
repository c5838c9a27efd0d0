"""The engines that the contract is held to, and small helpers to speak of what they keep."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

from labctl.store import Event, Store
from labctl.store.sqlite import SqliteStore

Opener = Callable[[Path], Awaitable[Store]]


async def _open_sqlite(directory: Path) -> Store:
    return SqliteStore.open(directory / "store.db")


ENGINES: dict[str, Opener] = {"sqlite": _open_sqlite}


@asynccontextmanager
async def opened(engine: str, directory: Path) -> AsyncIterator[Store]:
    """The store of an engine in `directory`, closed at the end; opening again finds it as it was."""
    store = await ENGINES[engine](directory)
    try:
        yield store
    finally:
        await store.close()


async def events_until(store: Store, prefix: str, after: int, until: int) -> list[Event]:
    """Watches `prefix` after a revision until it has seen revision `until`."""
    seen: list[Event] = []
    if after >= until:
        return seen
    async with aclosing(store.watch(prefix, after)) as batches:
        async for batch in batches:
            seen += batch
            if seen[-1].revision >= until:
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
