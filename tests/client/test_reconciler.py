"""Dirty keys in, one reconcile a key at a time, retries with a back-off."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

import pytest
import uvloop

from labctl.client.reconciler import Reconciler
from labctl.errors import StatusError


@contextlib.asynccontextmanager
async def _running(reconciler: Reconciler) -> AsyncIterator[Reconciler]:
    task = asyncio.create_task(reconciler.run())
    try:
        yield reconciler
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def test_marks_of_a_key_that_waits_are_one() -> None:
    async def scenario() -> None:
        seen: list[str] = []

        async def reconcile(key: str) -> None:
            seen.append(key)

        reconciler = Reconciler("test", reconcile)
        for key in ("a", "b", "a", "a"):
            reconciler.mark(key)
        async with _running(reconciler):
            await reconciler.idle()
        assert seen == ["a", "b"]

    asyncio.run(scenario())


def test_a_key_marked_while_it_is_worked_on_is_worked_on_once_more() -> None:
    async def scenario() -> None:
        runs = 0
        inside, go_on = asyncio.Event(), asyncio.Event()
        at_once = 0

        async def reconcile(_: str) -> None:
            nonlocal runs, at_once
            runs += 1
            at_once += 1
            assert at_once == 1
            inside.set()
            await go_on.wait()
            at_once -= 1

        async with _running(Reconciler("test", reconcile, workers=4)) as reconciler:
            reconciler.mark("a")
            await inside.wait()
            reconciler.mark("a")
            reconciler.mark("a")
            go_on.set()
            await reconciler.idle()
        assert runs == 2

    asyncio.run(scenario())


def test_different_keys_are_worked_on_at_once() -> None:
    async def scenario() -> None:
        barrier = asyncio.Barrier(3)

        async def reconcile(_: str) -> None:
            await barrier.wait()

        async with _running(Reconciler("test", reconcile, workers=3)) as reconciler:
            for key in ("a", "b", "c"):
                reconciler.mark(key)
            await asyncio.wait_for(reconciler.idle(), 5)

    asyncio.run(scenario())


def test_a_failure_is_retried_and_told_once(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        tries = 0

        async def reconcile(_: str) -> None:
            nonlocal tries
            tries += 1
            if tries < 4:
                raise ValueError("not yet")

        async with _running(Reconciler("test", reconcile)) as reconciler:
            reconciler.mark("a")
            await asyncio.wait_for(reconciler.idle(), 5)
        assert tries == 4

    with caplog.at_level(logging.WARNING):
        asyncio.run(scenario())
    assert len(caplog.records) == 1


def test_a_conflict_is_everyday_life(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        tries = 0

        async def reconcile(_: str) -> None:
            nonlocal tries
            tries += 1
            if tries == 1:
                raise StatusError({"code": 409, "reason": "Conflict", "message": "changed"})

        async with _running(Reconciler("test", reconcile)) as reconciler:
            reconciler.mark("a")
            await asyncio.wait_for(reconciler.idle(), 5)

    with caplog.at_level(logging.WARNING):
        asyncio.run(scenario())
    assert not caplog.records


def test_a_returned_delay_brings_the_key_back() -> None:
    async def scenario() -> None:
        done = asyncio.Event()
        times: list[float] = []
        loop = asyncio.get_running_loop()

        async def reconcile(_: str) -> float | None:
            times.append(loop.time())
            if len(times) == 1:
                return 0.05
            done.set()
            return None

        async with _running(Reconciler("test", reconcile)) as reconciler:
            reconciler.mark("a")
            await asyncio.wait_for(done.wait(), 5)
        assert times[1] - times[0] >= 0.05

    asyncio.run(scenario())


def test_of_several_delays_the_shortest_holds() -> None:
    async def scenario() -> None:
        done = asyncio.Event()

        async def reconcile(_: str) -> None:
            done.set()

        async with _running(Reconciler("test", reconcile)) as reconciler:
            reconciler.mark_after("a", 60.0)
            reconciler.mark_after("a", 0.01)
            reconciler.mark_after("a", 60.0)
            await asyncio.wait_for(done.wait(), 5)

    asyncio.run(scenario())


def test_a_delay_of_next_to_nothing_is_one_like_any_other() -> None:
    async def scenario() -> None:
        seen = asyncio.Queue[str]()
        reconciler = Reconciler("test", seen.put)
        reconciler.mark_after("a", 0.0001)
        reconciler.mark_after("a", 0.0)
        reconciler.mark_after("a", 10.0)
        async with _running(reconciler), asyncio.timeout(5):
            assert await seen.get() == "a"
        assert seen.empty()

    uvloop.run(scenario())  # whose handles of such timers do not know when they are due
