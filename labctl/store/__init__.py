"""The store: one log of revisions, under which everything that the API server keeps is a key.

A write is a compare-and-swap of one key and takes the next revision of one counter for all keys;
deletions take one too. Whoever lists at revision R and watches after R sees every change exactly
once, in order. Keys look like `/apps/deployments/NAMESPACE/NAME`, values are JSON bytes without a
resourceVersion (the revision is added when they are read). Two engines fill this interface: SQLite
(`sqlite.py`) and etcd (`etcd/`); what holds for one holds for both, and tests/store says what that
is. Revisions only grow, and need not be consecutive: an etcd may have other users.
"""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import NamedTuple, Protocol


class KeyValue(NamedTuple):
    """A key as it stands at some revision; `revision` wrote this value, `created` the first."""

    key: str
    value: bytes
    revision: int
    created: int


class Event(NamedTuple):
    """One entry of the log: `value` is None for a deletion, `previous` is None for a creation."""

    revision: int
    key: str
    value: bytes | None
    previous: bytes | None


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a listing at `revision`; `more` says that keys follow, `remaining` how many."""

    revision: int
    items: tuple[KeyValue, ...]
    more: bool = False
    remaining: int = 0


class Conflict(Exception):
    """The key is not at the revision that a write expected; `current` is what it is instead."""

    def __init__(self, key: str, current: KeyValue | None) -> None:
        super().__init__(f"{key} is at revision {current.revision if current else 0}")
        self.current = current


class Expired(Exception):
    """What was asked for lies before `floor`, up to which history has been compacted away."""

    def __init__(self, floor: int) -> None:
        super().__init__(f"history is kept only after revision {floor}")
        self.floor = floor


class StoreError(Exception):
    """The engine failed (a full disk, no connection); nothing of the write was kept."""


class OutcomeUnknown(StoreError):
    """The engine was lost before it answered: the write was made, or it was not."""


class TooLarge(StoreError):
    """The engine does not take values of that size."""


class Store(Protocol):
    """What an engine offers; every method may be called from the event loop's thread only."""

    @property
    def floor(self) -> int:
        """The revision up to which history is gone: it can still be listed and watched after."""
        ...

    async def revision(self) -> int:
        """The revision of the newest acknowledged write, of whichever API server. StoreError."""
        ...

    async def get(self, key: str) -> KeyValue | None:
        """The key as the newest acknowledged write left it."""
        ...

    async def page(
        self, prefix: str, *, limit: int = 0, after: str = "", at_revision: int = 0
    ) -> Page:
        """The keys that begin with `prefix`, in order, `limit` of them (0: all) behind `after`.

        `at_revision` pins a past revision (0: the newest). Raises Expired.
        """
        ...

    async def txn(self, key: str, expect: int, value: bytes | None, ttl: float = 0) -> int:
        """Writes `value` (None deletes) if the key is at revision `expect` (0: does not exist).

        Returns the revision of the write, once it is durable. A key with a `ttl`, in seconds, is
        deleted soon after that time has passed without another write; keys that go together may
        share a revision. Raises Conflict, StoreError.
        """
        ...

    def watch(self, prefix: str, after: int) -> AsyncGenerator[list[Event]]:
        """The log of the keys under `prefix` after revision `after`, then what is written, for ever.

        A watcher that falls behind delays nobody. Raises Expired, also half-way, when what comes
        next has been compacted away. An engine that is lost is followed again when it is back,
        from where it was lost. Ends when the store is closed.
        """
        ...

    async def compact(self, revision: int) -> None:
        """Forgets the history up to `revision`; the present values stay.

        Of several API servers that ask for it in turn, some are not needed, and find it done.
        """
        ...

    async def close(self) -> None:
        """Finishes what was begun and lets go of files and connections."""
        ...
