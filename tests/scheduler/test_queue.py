"""Whose turn it is, who waits for what, and what brings them back."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from labctl.scheduler.filters import Wake
from labctl.scheduler.podinfo import PodInfo
from labctl.scheduler.queue import SchedulingQueue, backoff


def _run(scenario: Callable[[SchedulingQueue], Awaitable[None]]) -> None:
    async def body() -> None:
        await scenario(SchedulingQueue())

    asyncio.run(body())


def _pod(name: str, priority: int = 0, uid: str = "") -> PodInfo:
    return PodInfo(key=f"default/{name}", name=name, uid=uid or name, priority=priority)


async def _is_empty(queue: SchedulingQueue) -> bool:
    """Whether nobody's turn it is: a pop has to wait."""
    pop = asyncio.ensure_future(queue.pop())
    done, _ = await asyncio.wait((pop,), timeout=0)
    pop.cancel()
    return not done


def test_higher_priority_goes_first_then_who_came_first() -> None:
    async def scenario(queue: SchedulingQueue) -> None:
        for pod in (_pod("a"), _pod("b"), _pod("vip", 10)):
            queue.put(pod)
        assert [(await queue.pop()).name for _ in range(3)] == ["vip", "a", "b"]

    _run(scenario)


def test_a_pod_that_is_gone_loses_its_turn() -> None:
    async def scenario(queue: SchedulingQueue) -> None:
        queue.put(_pod("a"))
        queue.put(_pod("b"))
        queue.drop("default/a")
        assert (await queue.pop()).name == "b"
        assert await _is_empty(queue)

    _run(scenario)


def test_a_pod_is_queued_once() -> None:
    async def scenario(queue: SchedulingQueue) -> None:
        queue.put(_pod("a"))
        queue.put(_pod("a"))
        await queue.pop()
        queue.put(_pod("a"))  # its own status changed while it is being placed
        assert await _is_empty(queue)

    _run(scenario)


def test_a_node_brings_back_who_waits_for_one_at_once() -> None:
    async def scenario(queue: SchedulingQueue) -> None:
        queue.put(_pod("a"))
        queue.set_aside(await queue.pop(), Wake.NODE)
        assert await _is_empty(queue)
        queue.wake(Wake.POD_GONE)
        assert await _is_empty(queue)
        queue.wake(Wake.NODE)
        assert (await queue.pop()).name == "a"

    _run(scenario)


def test_the_end_of_a_pod_brings_back_after_the_backoff() -> None:
    async def scenario(queue: SchedulingQueue) -> None:
        queue.put(_pod("a"))
        queue.set_aside(await queue.pop(), Wake.NODE | Wake.POD_GONE)
        queue.wake(Wake.POD_GONE)
        assert await _is_empty(queue)
        started = asyncio.get_running_loop().time()
        assert (await asyncio.wait_for(queue.pop(), 5)).name == "a"
        assert asyncio.get_running_loop().time() - started == pytest.approx(1.0, abs=0.2)

    _run(scenario)


def test_another_pod_of_the_name_has_its_own_turn() -> None:
    async def scenario(queue: SchedulingQueue) -> None:
        queue.put(_pod("a", uid="old"))
        queue.set_aside(await queue.pop(), Wake.NODE)
        queue.put(_pod("a", uid="new"))
        assert (await queue.pop()).uid == "new"

    _run(scenario)


def test_backoff_doubles_up_to_its_limit() -> None:
    assert [backoff(attempts) for attempts in (1, 2, 3, 4, 5, 50)] == [1, 2, 4, 8, 10, 10]
