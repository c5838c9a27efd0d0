"""The one loop of every controller and agent: dirty keys in, one reconcile a key at a time.

An event only marks a key. Marks of a key that waits are one; a key marked while it is worked on is
worked on once more. `reconcile(key)` computes from the present state and returns None, or after
how many seconds to look again; a failure is retried with a back-off of its own per key.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

from labctl.client.backoff import Backoff
from labctl.errors import LabError, StatusError

_FIRST_RETRY: Final = 0.005
_LAST_RETRY: Final = 10.0

_log = logging.getLogger(__name__)


class _Timer(NamedTuple):
    """`due` is kept here since uvloop's handle does not know it when that is less than 1 ms away."""

    due: float
    handle: asyncio.Handle


class Reconciler:
    """A queue of dirty keys and the workers that reconcile them."""

    def __init__(
        self, name: str, reconcile: Callable[[str], Awaitable[float | None]], workers: int = 1
    ) -> None:
        self.name = name
        self._reconcile = reconcile
        self._workers = workers
        self._queue: asyncio.Queue[str] = asyncio.Queue()
        self._dirty: set[str] = set()
        self._running: set[str] = set()
        self._timers: dict[str, _Timer] = {}
        self._backoffs: dict[str, Backoff] = {}
        self._idle = asyncio.Event()
        self._idle.set()

    def mark(self, key: str) -> None:
        """The key's state may have changed: reconcile it soon."""
        if key in self._dirty:
            return
        self._dirty.add(key)
        self._idle.clear()
        if key not in self._running:
            self._queue.put_nowait(key)

    def mark_after(self, key: str, seconds: float) -> None:
        """Marks the key later; of several such wishes the earliest holds."""
        loop = asyncio.get_running_loop()
        due = loop.time() + seconds
        timer = self._timers.get(key)
        if timer is not None:
            if timer.due <= due:
                return
            timer.handle.cancel()
        self._timers[key] = _Timer(due, loop.call_at(due, self._due, key))

    async def run(self) -> None:
        """Works until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self._workers):
                    group.create_task(self._work())
        finally:
            for timer in self._timers.values():
                timer.handle.cancel()
            self._timers.clear()

    async def idle(self) -> None:
        """Returns when nothing is marked, worked on or to be retried (timers aside)."""
        await self._idle.wait()

    def _due(self, key: str) -> None:
        self._timers.pop(key, None)
        self.mark(key)

    async def _work(self) -> None:
        while True:
            key = await self._queue.get()
            self._dirty.discard(key)
            self._running.add(key)
            try:
                await self._attempt(key)
            finally:
                self._running.discard(key)
                if key in self._dirty:
                    self._queue.put_nowait(key)
                self._check_idle()

    async def _attempt(self, key: str) -> None:
        try:
            again = await self._reconcile(key)
        except Exception as error:
            backoff = self._backoffs.setdefault(key, Backoff(_FIRST_RETRY, _LAST_RETRY))
            self._complain(key, error, backoff)
            self.mark_after(key, backoff.next())
        else:
            self._backoffs.pop(key, None)
            if again is not None:
                self.mark_after(key, again)

    def _complain(self, key: str, error: Exception, backoff: Backoff) -> None:
        """Once a series of failures: retries are frequent, and conflicts are everyday life."""
        conflict = isinstance(error, StatusError) and error.reason == "Conflict"
        level = logging.DEBUG if conflict or backoff.failures else logging.WARNING
        trace = None if isinstance(error, LabError) else error
        _log.log(level, "%s %s: %s", self.name, key, error, exc_info=trace)

    def _check_idle(self) -> None:
        if not self._dirty and not self._running and not self._backoffs:
            self._idle.set()
