"""Pods that wait for a node: some for their turn, some for the cluster to change.

`active` pods are taken by priority, then by age. A pod that no node could take is set aside with
the kinds of event that may help it. Such an event brings it back, after a back-off that doubles
with every attempt (1 s to 10 s), or at once if a node changed, which is rare and what a pod most
often waits for (as of 1.33, Kubernetes does not sit out back-offs with nothing else to do either).
After five minutes it is tried in any case.
"""

import asyncio
import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from labctl.scheduler.filters import NO_WAKE, Wake
from labctl.scheduler.podinfo import PodInfo

_FIRST_BACKOFF: Final = 1.0
_LAST_BACKOFF: Final = 10.0
_FLUSH_SECONDS: Final = 300.0


def backoff(attempts: int) -> float:
    """Seconds between an attempt, the `attempts`-th in vain, and the next."""
    return min(_FIRST_BACKOFF * 2.0 ** min(attempts - 1, 16), _LAST_BACKOFF)


@dataclass
class _Entry:
    pod: PodInfo
    attempts: int = 0
    active: bool = False
    wakes: Wake = NO_WAKE
    ready_at: float = 0.0
    timer: asyncio.Handle | None = None
    due: float = 0.0  # of the timer; uvloop's does not know it when that is less than 1 ms away

    def start_timer(self, due: float, activate: "Callable[[_Entry], None]") -> None:
        self.stop_timer()
        self.due = due
        self.timer = asyncio.get_running_loop().call_at(due, activate, self)

    def stop_timer(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None


class SchedulingQueue:
    """By pod key; a pod is in it from when it is seen until it is placed or gone."""

    def __init__(self) -> None:
        self._entries: dict[str, _Entry] = {}
        self._heap: list[tuple[int, int, str]] = []
        self._serial = itertools.count()
        self._filled = asyncio.Event()

    def put(self, pod: PodInfo) -> None:
        """A pod that is new, or changed: worth a try."""
        entry = self._entries.get(pod.key)
        if entry is None or entry.pod.uid != pod.uid:
            self.drop(pod.key)
            entry = self._entries[pod.key] = _Entry(pod)
            self._activate(entry)
        elif entry.pod != pod:
            entry.pod = pod
            if not entry.active and entry.wakes:
                self._activate(entry)

    def drop(self, key: str) -> None:
        """The pod is placed or gone."""
        entry = self._entries.pop(key, None)
        if entry is not None:
            entry.stop_timer()

    def set_aside(self, pod: PodInfo, wakes: Wake) -> None:
        """No node can take it now; one of `wakes` may change that."""
        entry = self._entries.get(pod.key)
        if entry is None or entry.pod.uid != pod.uid:
            return
        now = asyncio.get_running_loop().time()
        entry.attempts += 1
        entry.wakes = wakes
        entry.ready_at = now + backoff(entry.attempts)
        entry.start_timer(now + _FLUSH_SECONDS, self._activate)

    def wake(self, event: Wake) -> None:
        """Something happened: brings back the pods that it may help."""
        if not event:
            return
        for entry in list(self._entries.values()):
            if not entry.active and entry.wakes & event:
                self._bring_back(entry, at_once=bool(event & Wake.NODE))

    async def pop(self) -> PodInfo:
        """The next pod to place; it stays known until `drop` or `set_aside`."""
        while True:
            while self._heap:
                _, _, key = heapq.heappop(self._heap)
                entry = self._entries.get(key)
                if entry is not None and entry.active:
                    entry.active = False
                    entry.wakes = NO_WAKE
                    return entry.pod
            self._filled.clear()
            await self._filled.wait()

    def _bring_back(self, entry: _Entry, *, at_once: bool) -> None:
        if at_once or entry.ready_at <= asyncio.get_running_loop().time():
            self._activate(entry)
        elif entry.timer is None or entry.due > entry.ready_at:
            entry.start_timer(entry.ready_at, self._activate)

    def _activate(self, entry: _Entry) -> None:
        entry.stop_timer()
        if entry.active or self._entries.get(entry.pod.key) is not entry:
            return
        entry.active = True
        place = (-entry.pod.priority, next(self._serial), entry.pod.key)
        heapq.heappush(self._heap, place)
        self._filled.set()
