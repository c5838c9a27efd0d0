"""Keeps Events few: what Kubernetes' EventCorrelator does, as a value machine without I/O.

The same event again is a PATCH of its count. From the tenth distinct message about one thing on,
messages are combined into one event. Of one object, a source may tell 25 events and then one every
five minutes. Bounds and texts are client-go's (tools/record/events_cache.go).
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

_DISTINCT_MESSAGES: Final = 10
_AGGREGATION_SECONDS: Final = 600.0
_BURST: Final = 25.0
_REFILL_PER_SECOND: Final = 1.0 / 300.0
_REMEMBERED: Final = 4096

Source = tuple[str, ...]


@dataclass(frozen=True)
class Occurrence:
    """Something happened to `subject` (its identity as a tuple), at `when` (epoch seconds)."""

    subject: Source
    type: str
    reason: str
    message: str
    when: float


@dataclass(frozen=True)
class Record:
    """What to write: an event named `name` with this message, seen `count` times since `first`."""

    name: str
    message: str
    count: int
    first: float
    last: float


V = TypeVar("V")


class _Recent(Generic[V]):
    """The most recently used entries, at most `_REMEMBERED`."""

    def __init__(self, make: Callable[[], V]) -> None:
        self._make = make
        self._entries: OrderedDict[Hashable, V] = OrderedDict()

    def get(self, at: Hashable) -> V:
        if at in self._entries:
            self._entries.move_to_end(at)
            return self._entries[at]
        if len(self._entries) >= _REMEMBERED:
            self._entries.popitem(last=False)
        entry = self._entries[at] = self._make()
        return entry


# Thousands of these are remembered in every agent: hence the slots, and a tuple for what is mostly
# one message.
@dataclass(slots=True)
class _Bucket:
    tokens: float = _BURST
    filled: float = 0.0


@dataclass(slots=True)
class _Aggregate:
    messages: tuple[str, ...] = ()
    last: float = 0.0


@dataclass(slots=True)
class _Seen:
    name: str = ""
    count: int = 0
    first: float = 0.0


class Correlator:
    """Turns occurrences into records; `new_name(subject)` names an event told for the first time."""

    def __init__(self, new_name: Callable[[Source], str]) -> None:
        self._new_name = new_name
        self._buckets = _Recent(_Bucket)
        self._aggregates = _Recent(_Aggregate)
        self._seen = _Recent(_Seen)

    def correlate(self, event: Occurrence) -> Record | None:
        """What to write for it, or None when the subject has used up its events."""
        message, identity = self._aggregate(event)
        seen = self._seen.get((event.subject, event.type, event.reason, identity))
        if not self._admit(event):
            return None
        if seen.count == 0:
            seen.name, seen.first = self._new_name(event.subject), event.when
        seen.count += 1
        return Record(seen.name, message, seen.count, seen.first, event.when)

    def _aggregate(self, event: Occurrence) -> tuple[str, str]:
        """The message to tell, and what makes it the same as one told before."""
        aggregate = self._aggregates.get((event.subject, event.type, event.reason))
        if event.when - aggregate.last > _AGGREGATION_SECONDS:
            aggregate.messages = ()
        aggregate.last = event.when
        if event.message in aggregate.messages:
            return event.message, event.message
        if len(aggregate.messages) >= _DISTINCT_MESSAGES - 1:
            return f"(combined from similar events): {event.message}", "combined"
        aggregate.messages = (*aggregate.messages, event.message)
        return event.message, event.message

    def _admit(self, event: Occurrence) -> bool:
        bucket = self._buckets.get(event.subject)
        refilled = bucket.tokens + (event.when - bucket.filled) * _REFILL_PER_SECOND
        bucket.tokens = min(_BURST, refilled)
        bucket.filled = event.when
        if bucket.tokens < 1.0:
            return False
        bucket.tokens -= 1.0
        return True
