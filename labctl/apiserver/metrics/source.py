"""Asks agents for what their nodes use: many at once, within a deadline, and not twice a second.

A rate needs two samples. While somebody keeps asking, the window goes from one asking to the next;
the first who asks after a while waits half a second for the second sample. Nobody asks, nothing is
measured. A node that does not answer has no figures, which is no error.
"""

import asyncio
import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import aiohttp
import msgspec

from labctl.api.kinds.core import NODES
from labctl.api.objects import Obj
from labctl.apiserver.kubelet.agents import Agents, internal_address
from labctl.apiserver.metrics.rates import NodeUsage, node_usage
from labctl.apiserver.watchcache.cache import WatchCache
from labctl.errors import StatusError

_PATH: Final = "/stats/summary"
_DEADLINE: Final = 3.0
_FRESH: Final = 1.0  # seconds for which an answer is good
_LONGEST: Final = 60.0  # seconds: a window any longer says little of now
_SHORTEST: Final = 0.5  # seconds: /proc counts CPU time in hundredths
_FAILURES: Final = (
    StatusError,
    aiohttp.ClientError,
    OSError,  # TimeoutError is one
    msgspec.DecodeError,
    KeyError,
    ValueError,
)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Sample:
    taken: float
    summary: Obj


@dataclass(slots=True)
class _Node:
    """What is known of one node: the newest sample, and what came of it and the one before."""

    lock: asyncio.Lock
    newest: _Sample | None = None
    usage: NodeUsage | None = None


class UsageSource:
    """What nodes use; without `agents` nobody knows."""

    def __init__(self, cache: WatchCache, agents: Agents | None) -> None:
        self._cache = cache
        self._agents = agents
        self._nodes: dict[str, _Node] = {}

    async def of(self, names: Iterable[str]) -> dict[str, NodeUsage]:
        """By node, of those that answer in time."""
        wanted = list(dict.fromkeys(names))
        answers = await asyncio.gather(*map(self._ask, wanted))
        return {
            name: usage for name, usage in zip(wanted, answers, strict=True) if usage is not None
        }

    async def _ask(self, name: str) -> NodeUsage | None:
        entry = self._cache.get(NODES, "", name)
        address = internal_address(entry.object) if entry else ""
        if not address or self._agents is None:
            self._nodes.pop(name, None)
            return None
        node = self._nodes.setdefault(name, _Node(asyncio.Lock()))
        try:
            async with asyncio.timeout(_DEADLINE), node.lock:
                return await self._measure(self._agents, node, address)
        except _FAILURES as error:
            _log.warning("metrics of %s: %s", name, error or type(error).__name__)
            return None

    async def _measure(self, agents: Agents, node: _Node, address: str) -> NodeUsage:
        """Who waited for the lock finds what was measured meanwhile."""
        age = time.monotonic() - node.newest.taken if node.newest else _LONGEST
        if node.usage is not None and age < _FRESH:
            return node.usage
        before = node.newest
        if before is None or age >= _LONGEST:
            before = await _sample(agents, address)
            await asyncio.sleep(_SHORTEST)
        node.newest = await _sample(agents, address)
        node.usage = node_usage(before.summary, node.newest.summary)
        return node.usage


async def _sample(agents: Agents, address: str) -> _Sample:
    response = await agents.get(address, _PATH, "")
    async with response:
        if response.status != 200:
            raise StatusError({"message": f"{_PATH}: {response.status}", "code": response.status})
        return _Sample(time.monotonic(), msgspec.json.decode(await response.read(), type=Obj))
