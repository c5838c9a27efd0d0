"""The data plane alone: agents that stand still until all their pods are bound, then do their part."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.lab import Lab
from benchmarks.pods import DEADLINE, await_ready, deployment
from benchmarks.processor import await_quiet
from labctl.api.kinds.apps import DEPLOYMENTS
from labctl.api.kinds.core import PODS
from labctl.api.objects import name
from labctl.client.client import Client

_NAME = "held"


def from_bound_to_status(lab: Lab, replicas: int) -> float:
    """Seconds from when agents may see their pods, all of them bound, until the last is Ready."""
    agents = lab.pids("agent-")
    with _held(agents):
        asyncio.run(_bind_all(lab.client(), replicas))
        await_quiet(lab.pids("control-plane"))
        began = time.perf_counter()
    asyncio.run(await_ready(lab.client(), _NAME, replicas))
    return time.perf_counter() - began


@contextmanager
def _held(pids: list[int]) -> Iterator[None]:
    """The processes stand still, for less time than their nodes' leases last."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


async def _bind_all(client: Client, replicas: int) -> None:
    bound: set[str] = set()
    async with asyncio.timeout(DEADLINE):
        await client.create(DEPLOYMENTS, deployment(_NAME, replicas))
        watch = client.watch(PODS, "default", labels=f"app={_NAME}")
        async with contextlib.aclosing(watch) as events:
            async for event in events:
                if event.type != "BOOKMARK" and event.object["spec"].get("nodeName"):
                    bound.add(name(event.object))
                if len(bound) == replicas:
                    return
