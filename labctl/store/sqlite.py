"""The embedded engine: SQLite in WAL mode, one writer, group commit.

Writes queue up while a commit is under way and then share the next one. They are acknowledged, and
watchers woken, in one step after the commit. A watcher is a cursor into the log, not a queue: it
reads what follows the last revision that it gave out, so however slow it is, it holds no memory and
delays nobody; only compaction can overtake it.
"""

import asyncio
import fcntl
import logging
import os
import sqlite3
import time
from collections import deque
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from labctl.store import Conflict, Event, KeyValue, Page, StoreError, revision_log
from labctl.store.committer import Committer

logger = logging.getLogger(__name__)

_BATCH = 128  # writes that share a commit
_EVENTS = 1000  # log entries that a watcher reads at once
_COMPACTION_STEP = 1000  # revisions compacted between two batches
_EXPIRY_STEP = 500
_EXPIRY_PAUSE = 1.0  # seconds: what expires together is deleted together


class _Write(NamedTuple):
    key: str
    expect: int
    value: bytes | None
    ttl: float
    done: "asyncio.Future[int]"


@dataclass(frozen=True, slots=True)
class _Compaction:
    revision: int
    done: "asyncio.Future[None]"


class SqliteStore:
    """The `Store` of a lab that lives on one machine; see `SqliteStore.open`."""

    def __init__(self, path: Path, lock: int) -> None:
        self._lock = lock
        self._writer = revision_log.connect(path)
        revision_log.create_tables(self._writer)
        self._reader = revision_log.connect(path)
        self._revision = revision_log.read_meta(self._writer, "revision")
        self._floor = revision_log.read_meta(self._writer, "floor")
        self._loop = asyncio.get_running_loop()
        self._committer = Committer(self._writer, self._loop)
        self._writes: deque[_Write] = deque()
        self._batch: list[Event] = []
        self._before_batch = -1
        self._compactions: deque[_Compaction] = deque()
        self._waiting: list[asyncio.Future[None]] = []
        self._busy: asyncio.Task[None] | None = None
        self._expiry: asyncio.Handle | None = None
        self._expires_at = 0.0  # uvloop's handle does not know when less than 1 ms is left
        self._closed = False
        self._schedule_expiry(revision_log.next_expiry(self._reader))

    @classmethod
    def open(cls, path: Path) -> "SqliteStore":
        """Opens, or makes, the store in the file `path` (0600), inside a running event loop.

        Raises StoreError if another process has it open: there may be only one writer.
        """
        lock = _take_lock(path)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        try:
            return cls(path, lock)
        except sqlite3.Error as error:
            os.close(lock)
            raise StoreError(f"{path}: {error}") from error

    @property
    def floor(self) -> int:
        return self._floor

    async def revision(self) -> int:
        return self._revision

    async def get(self, key: str) -> KeyValue | None:
        return revision_log.read(self._reader, key)

    async def page(
        self, prefix: str, *, limit: int = 0, after: str = "", at_revision: int = 0
    ) -> Page:
        return revision_log.page(self._reader, prefix, limit, after, at_revision)

    async def txn(self, key: str, expect: int, value: bytes | None, ttl: float = 0) -> int:
        if value is None and not expect:
            raise ValueError("what must not exist cannot be deleted")
        done: asyncio.Future[int] = self._loop.create_future()
        self._writes.append(_Write(key, expect, value, ttl, done))
        self._start()
        return await done

    async def watch(self, prefix: str, after: int) -> AsyncGenerator[list[Event]]:
        while not self._closed:
            events = self._events(prefix, after)
            if events:
                after = events[-1].revision
                yield events
            else:
                # Nothing under the prefix up to here: the next look need not scan this again.
                after = max(after, self._revision)
                await self._changed()

    def _events(self, prefix: str, after: int) -> list[Event]:
        """What follows a revision; the last batch, which most have yet to see, is at hand."""
        if after == self._revision:
            return []
        if after == self._before_batch:
            return [event for event in self._batch if event.key.startswith(prefix)]
        return revision_log.events(self._reader, prefix, after, _EVENTS)

    async def compact(self, revision: int) -> None:
        done: asyncio.Future[None] = self._loop.create_future()
        self._compactions.append(_Compaction(revision, done))
        self._start()
        await done

    async def close(self) -> None:
        if self._closed:
            return
        while self._busy is not None:
            await asyncio.shield(self._busy)
        self._closed = True
        if self._expiry is not None:
            self._expiry.cancel()
        self._wake()
        self._committer.stop()
        self._writer.close()
        self._reader.close()
        os.close(self._lock)

    # Writing: one task at a time drains the queues, a commit per round.

    def _start(self) -> None:
        if self._closed:
            raise StoreError("the store is closed")
        if self._busy is None:
            self._busy = self._loop.create_task(self._drain())

    async def _drain(self) -> None:
        try:
            while self._writes or self._compactions:
                if self._writes:
                    await self._commit_writes()
                if self._compactions:
                    await self._compact_step()
        finally:
            self._busy = None

    async def _commit_writes(self) -> None:
        batch = [self._writes.popleft() for _ in range(min(_BATCH, len(self._writes)))]
        try:
            self._writer.execute("BEGIN IMMEDIATE")
            outcomes = self._apply(batch)
            await self._committer.commit()
        except sqlite3.Error as error:
            self._give_up([write.done for write in batch], error)
            return
        self._acknowledge(batch, outcomes)

    def _apply(self, batch: list[_Write]) -> list[Event | Conflict]:
        """Runs the statements of a batch; each write gets its event or its conflict."""
        revision, outcomes = self._revision, list[Event | Conflict]()
        for write in batch:
            current = revision_log.read(self._writer, write.key)
            if (current.revision if current else 0) != write.expect:
                outcomes.append(Conflict(write.key, current))
                continue
            revision += 1
            expires = time.time() + write.ttl if write.ttl else None
            revision_log.write(self._writer, revision, write.key, write.value, current, expires)
            previous = current.value if current else None
            outcomes.append(Event(revision, write.key, write.value, previous))
        revision_log.write_meta(self._writer, "revision", revision)
        return outcomes

    def _acknowledge(self, batch: list[_Write], outcomes: list[Event | Conflict]) -> None:
        events = [outcome for outcome in outcomes if isinstance(outcome, Event)]
        if events:
            self._batch, self._before_batch = events, self._revision
            self._revision = events[-1].revision
        self._wake()  # watchers first: what a writer is told, a watcher can already see
        for write, outcome in zip(batch, outcomes, strict=True):
            if write.done.cancelled():
                continue
            if isinstance(outcome, Conflict):
                write.done.set_exception(outcome)
            else:
                write.done.set_result(outcome.revision)
        shortest = min((write.ttl for write in batch if write.ttl), default=None)
        if shortest is not None:
            self._schedule_expiry(time.time() + shortest)

    def _give_up(self, waiting: "list[asyncio.Future[int]]", error: sqlite3.Error) -> None:
        if self._writer.in_transaction:
            self._writer.execute("ROLLBACK")
        for done in waiting:
            if not done.cancelled():
                done.set_exception(StoreError(str(error)))

    async def _compact_step(self) -> None:
        compaction = self._compactions[0]
        to = min(self._floor + _COMPACTION_STEP, compaction.revision, self._revision)
        try:
            if to > self._floor:
                self._writer.execute("BEGIN IMMEDIATE")
                revision_log.compact(self._writer, self._floor, to)
                await self._committer.commit()
                self._floor = to
        except sqlite3.Error as error:
            self._writer.execute("ROLLBACK")
            logger.warning("compaction failed: %s", error)
            to = compaction.revision
        if to >= min(compaction.revision, self._revision):
            self._compactions.popleft()
            if not compaction.done.cancelled():
                compaction.done.set_result(None)

    # Watching

    async def _changed(self) -> None:
        waiter: asyncio.Future[None] = self._loop.create_future()
        self._waiting.append(waiter)
        try:
            await waiter
        finally:
            if waiter in self._waiting:
                self._waiting.remove(waiter)

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            if not waiter.done():
                waiter.set_result(None)

    # Expiry

    def _schedule_expiry(self, when: float | None) -> None:
        """Makes sure that keys are looked through at `when`, in seconds of the epoch."""
        if when is None:
            return
        at = self._loop.time() + max(when - time.time(), 0)
        if self._expiry is not None:
            if self._expires_at <= at:
                return
            self._expiry.cancel()
        self._expires_at = at
        self._expiry = self._loop.call_at(at, self._expire)

    def _expire(self) -> None:
        self._expiry = None
        for key, revision in revision_log.expired(self._reader, time.time(), _EXPIRY_STEP):
            done: asyncio.Future[int] = self._loop.create_future()
            done.add_done_callback(_ignore_conflict)
            self._writes.append(_Write(key, revision, None, 0, done))
        if self._writes:
            self._start()
        next_time = revision_log.next_expiry(self._reader)
        if next_time is not None:
            self._schedule_expiry(max(next_time, time.time() + _EXPIRY_PAUSE))


def _ignore_conflict(done: "asyncio.Future[int]") -> None:
    """A key that was written meanwhile has a new lease of life; a failed delete is tried again."""
    if not done.cancelled():
        done.exception()


def _take_lock(path: Path) -> int:
    descriptor = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise StoreError(f"{path} is open in another process") from None
    return descriptor
