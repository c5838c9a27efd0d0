"""Objects of the cache by something other than their name, kept up to date with every change."""

from collections.abc import Callable, Collection

from labctl.api.objects import Obj
from labctl.api.resource import Resource
from labctl.apiserver.watchcache.cache import WatchCache
from labctl.apiserver.watchcache.entry import Entry


class EntryIndex:
    """`value(obj)` says under what an object is found; "" is nowhere."""

    def __init__(self, cache: WatchCache, resource: Resource, value: Callable[[Obj], str]) -> None:
        self._value = value
        self._entries: dict[str, dict[str, Entry]] = {}
        cache.observe(resource, self._change)

    def get(self, value: str) -> Collection[Entry]:
        return self._entries.get(value, {}).values()

    def _change(self, old: Entry | None, new: Entry | None) -> None:
        before = self._value(old.object) if old is not None else ""
        after = self._value(new.object) if new is not None else ""
        if old is not None and before and before != after:
            entries = self._entries[before]
            del entries[old.key]
            if not entries:
                del self._entries[before]
        if new is not None and after:
            self._entries.setdefault(after, {})[new.key] = new
