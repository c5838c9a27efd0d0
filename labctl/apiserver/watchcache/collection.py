"""The objects of one resource as of now, their recent history, and who watches them."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import takewhile

from labctl.api import status
from labctl.api.selectors import field_text
from labctl.apiserver.watchcache.entry import ADDED, DELETED, MODIFIED, Change, Entry, Notice
from labctl.apiserver.watchcache.keys import identity_of
from labctl.apiserver.watchcache.watcher import Interest, Watcher

_HISTORY_BYTES = 16 << 20  # of values: history of large objects is a short one
_FRESH = 256  # changes: whoever watches has been told of older ones

Observer = Callable[[Entry | None, Entry | None], None]
"""Told (old, new) of every change in the step in which it happens; it must neither wait nor fail."""


class Collection:
    """State and history change together, in one synchronous step: that is what closes the gap
    between a list and the watch that continues it.
    """

    def __init__(
        self,
        floor: int,
        history: int,
        backlog: int,
        observers: Sequence[Observer] = (),
        *,
        rests: bool = False,
    ) -> None:
        """With `rests`, objects that were not changed lately are kept as bytes only."""
        self.floor = floor  # changes after this revision are all in the history
        self._rests = rests
        self._observers = observers
        self._history: deque[Change] = deque()
        self._history_bytes = 0
        self._history_limit = history
        self._backlog = backlog
        self._entries: dict[str, dict[str, Entry]] = {}
        # Watchers by the field value that they require; all others under the field ().
        self._watchers: dict[tuple[str, ...], dict[str, set[Watcher]]] = {}

    def get(self, namespace: str, name: str) -> Entry | None:
        return self._entries.get(namespace, {}).get(name)

    def entries(self, namespace: str = "") -> Iterator[Entry]:
        """The objects of a namespace, or all, in no particular order."""
        if namespace:
            yield from self._entries.get(namespace, {}).values()
            return
        for entries in self._entries.values():
            yield from entries.values()

    def put(self, entry: Entry) -> None:
        """Takes in one version of an object, new or not."""
        previous = self.load(entry)
        kind = MODIFIED if previous else ADDED
        self._publish(Change(Notice(kind, entry), previous))

    def delete(self, namespace: str, name: str, revision: int) -> None:
        entries = self._entries.get(namespace, {})
        previous = entries.pop(name, None)
        if not entries:
            self._entries.pop(namespace, None)
        if previous is not None:
            self._tell(previous, None)
            self._publish(Change(Notice(DELETED, previous.at(revision)), previous))

    def load(self, entry: Entry) -> Entry | None:
        """Sets an object without telling any watcher; returns what was there."""
        namespace, name = identity_of(entry.key)
        entries = self._entries.setdefault(namespace, {})
        previous = entries.get(name)
        entries[name] = entry
        self._tell(previous, entry)
        return previous

    def changes(self, after: int) -> list[Notice] | None:
        """What happened after a revision, in order; None if a part of it is forgotten."""
        if after < self.floor:
            return None
        newest = takewhile(lambda change: change.revision > after, reversed(self._history))
        return [change.notice for change in newest][::-1]

    def abandon(self) -> None:
        """Tells observers that everything is gone: another collection takes this one's place."""
        for entry in self.entries():
            self._tell(entry, None)

    def watch(self, interest: Interest, after: int) -> Watcher:
        """A watcher that is told every change of interest after a revision; raises 410 Expired."""
        if after < self.floor:
            raise status.too_old(after, self.floor)
        watcher = Watcher(interest.match, self._backlog)
        watcher.replay([change for change in self._history if change.revision > after])
        by_value = self._watchers.setdefault(interest.field, {})
        by_value.setdefault(interest.value, set()).add(watcher)
        return watcher

    def forget(self, watcher: Watcher, interest: Interest) -> None:
        by_value = self._watchers.get(interest.field, {})
        watchers = by_value.get(interest.value, set())
        watchers.discard(watcher)
        if not watchers:
            by_value.pop(interest.value, None)

    def drop_watchers(self) -> None:
        for by_value in self._watchers.values():
            for watchers in by_value.values():
                for watcher in watchers:
                    watcher.drop()
        self._watchers.clear()

    def _tell(self, old: Entry | None, new: Entry | None) -> None:
        for observer in self._observers:
            observer(old, new)

    def _publish(self, change: Change) -> None:
        self._remember(change)
        for field, by_value in self._watchers.items():
            for value in _values(change, field):
                for watcher in by_value.get(value, ()):
                    watcher.offer(change)
        if change.previous is not None:
            change.previous.rest()

    def _remember(self, change: Change) -> None:
        self._history.append(change)
        if len(self._history) > _FRESH:
            self._history[-_FRESH - 1].rest(everything=self._rests)
        self._history_bytes += len(change.notice.entry.value)
        while len(self._history) > self._history_limit or self._history_bytes > _HISTORY_BYTES:
            forgotten = self._history.popleft()
            self._history_bytes -= len(forgotten.notice.entry.value)
            self.floor = forgotten.revision


def _values(change: Change, field: tuple[str, ...]) -> set[str]:
    """The values that a field had and has; those who wait for either are told."""
    if not field:
        return {""}
    entries = (change.notice.entry, change.previous)
    return {field_text(entry.object, field) for entry in entries if entry is not None}
