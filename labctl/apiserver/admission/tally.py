"""What the objects of one kind use of one quota: counted once, then followed change by change."""

from labctl.api import quota as rules
from labctl.api.objects import Obj
from labctl.api.pod_resources import add
from labctl.api.quota import Usage
from labctl.api.resource import Resource
from labctl.apiserver.watchcache.cache import WatchCache
from labctl.apiserver.watchcache.entry import DELETED, Entry


class Tally:
    """Holds for a quota as it is now; a quota with another spec needs another tally."""

    def __init__(self, quota: Obj, resource: Resource, namespace: str) -> None:
        self.spec: Obj = quota["spec"]
        self._quota = quota
        self._resource = resource
        self._namespace = namespace
        self._revision = -1
        self._parts: dict[str, Usage] = {}
        self._total: Usage = {}

    def used(self, cache: WatchCache) -> Usage:
        """What the objects use that the cache has now."""
        changes = cache.changes(self._resource, self._revision) if self._revision >= 0 else None
        if changes is None:
            self._parts, self._total = {}, {}
            for entry in cache.entries(self._resource, self._namespace):
                self._put(entry)
        else:
            prefix = self._resource.prefix(self._namespace)
            for notice in changes:
                if notice.entry.key.startswith(prefix):
                    self._remove(notice.entry)
                    if notice.type != DELETED:
                        self._put(notice.entry)
        self._revision = cache.revision
        return self._total

    def _put(self, entry: Entry) -> None:
        obj = entry.object
        part = rules.used_by(
            self._quota, self._resource, [(obj, rules.usage_of(self._resource, obj))]
        )
        if part:
            self._parts[entry.key] = part
            self._total = add(self._total, part)

    def _remove(self, entry: Entry) -> None:
        for name, amount in self._parts.pop(entry.key, {}).items():
            self._total[name] -= amount
