"""The objects of one resource as of now, their recent history, and who watches them."""

from collections import deque
from collections.abc import Iterator

from labctl.api import status
from labctl.apiserver.watchcache.entry import ADDED, DELETED, MODIFIED, Change, Entry, Notice
from labctl.apiserver.watchcache.watcher import Match, Watcher


class Collection:
    """State and history change together, in one synchronous step: that is what closes the gap
    between a list and the watch that continues it.
    """

    def __init__(self, floor: int, history: int, backlog: int) -> None:
        self.floor = floor  # changes after this revision are all in the history
        self._history: deque[Change] = deque()
        self._history_limit = history
        self._backlog = backlog
        self._entries: dict[str, dict[str, Entry]] = {}
        self._watchers: set[Watcher] = set()

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
        previous = self._entries.get(namespace, {}).pop(name, None)
        if previous is not None:
            self._publish(Change(Notice(DELETED, previous.at(revision)), previous))

    def load(self, entry: Entry) -> Entry | None:
        """Sets an object without telling anyone; returns what was there."""
        entries = self._entries.setdefault(entry.namespace, {})
        previous = entries.get(entry.name)
        entries[entry.name] = entry
        return previous

    def watch(self, match: Match, after: int) -> Watcher:
        """A watcher that is told every matching change after a revision; raises 410 Expired."""
        if after < self.floor:
            raise status.too_old(after, self.floor)
        watcher = Watcher(match, self._backlog)
        watcher.replay([change for change in self._history if change.revision > after])
        self._watchers.add(watcher)
        return watcher

    def forget(self, watcher: Watcher) -> None:
        self._watchers.discard(watcher)

    def drop_watchers(self) -> None:
        for watcher in self._watchers:
            watcher.drop()
        self._watchers.clear()

    def _publish(self, change: Change) -> None:
        self._history.append(change)
        if len(self._history) > self._history_limit:
            self.floor = self._history.popleft().revision
        for watcher in self._watchers:
            watcher.offer(change)
