"""One watch of a collection: a filter, and a bounded queue of what passed it."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from labctl.apiserver.watchcache.entry import ADDED, DELETED, Change, Entry, Notice

_MOST_BYTES = 16 << 20  # of values; as much as a collection's history, from which it resumes

Match = Callable[[Entry], bool]


@dataclass(frozen=True, slots=True)
class Interest:
    """What a watch wants to see: all that `match` accepts.

    Where that asks for one value of a `field` (a pod's node, an object's name), the collection
    finds the watch by it: a thousand pods on fifty nodes are not shown to fifty agents each.
    """

    match: Match
    field: tuple[str, ...] = ()
    value: str = ""


class Watcher:
    """Takes changes as they are published, and gives them out in portions.

    A watcher that does not keep up with `limit` notices, or with less of large objects, is dropped,
    alone: its queue is thrown away and `lost` set. Its client resumes from the last revision that it
    has seen.
    """

    def __init__(self, match: Match, limit: int) -> None:
        self.lost = False
        self._match = match
        self._limit = limit
        self._queue: deque[Notice] = deque()
        self._bytes = 0
        self._waiter: asyncio.Future[None] | None = None

    def offer(self, change: Change) -> None:
        """Queues what the change means to this watch, if anything."""
        notice = translate(change, self._match)
        if notice is None or self.lost:
            return
        self._bytes += len(notice.entry.value)
        if len(self._queue) >= self._limit or (self._queue and self._bytes > _MOST_BYTES):
            self.drop()
            return
        self._queue.append(notice)
        self._wake()

    def replay(self, changes: list[Change]) -> None:
        """Queues history, which is bounded by itself."""
        notices = (translate(change, self._match) for change in changes)
        self._queue.extend(notice for notice in notices if notice is not None)

    def drop(self) -> None:
        self.lost = True
        self._queue.clear()
        self._bytes = 0
        self._wake()

    def take(self) -> list[Notice]:
        """All that is queued, without waiting."""
        notices = list(self._queue)
        self._queue.clear()
        self._bytes = 0
        return notices

    async def wait(self, seconds: float) -> None:
        """Returns when there is something to take, the watcher is lost, or the time is over."""
        if self._queue or self.lost:
            return
        loop = asyncio.get_running_loop()
        self._waiter = loop.create_future()
        timer = loop.call_later(seconds, self._wake)
        try:
            await self._waiter
        finally:
            timer.cancel()
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


def translate(change: Change, match: Match) -> Notice | None:
    """What a change is to a watch that sees only what matches.

    An object that stops matching is DELETED, in its last matching state and at the revision of the
    change; one that begins to match is ADDED.
    """
    notice, previous = change.notice, change.previous
    matches = notice.type != DELETED and match(notice.entry)
    matched = previous is not None and match(previous)
    if matches:
        if matched or notice.type == ADDED:
            return notice
        return Notice(ADDED, notice.entry)
    if not matched or previous is None:
        return None
    if notice.type == DELETED:
        return notice
    return Notice(DELETED, previous.at(change.revision))
