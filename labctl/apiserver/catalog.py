"""What is served now: the built-in kinds, and those that CustomResourceDefinitions define.

The catalog is a value that is made anew whenever a definition changes, never for a request. A
definition that did not change in what it serves keeps its `Resource` objects, so that whatever was
compiled for them stays.
"""

from functools import lru_cache, partial

from labctl.api.catalog import Catalog
from labctl.api.custom.definition import served_resources
from labctl.api.kinds.apiextensions import CUSTOMRESOURCEDEFINITIONS
from labctl.api.objects import Obj, is_condition_true, is_deleting
from labctl.api.resource import Resource
from labctl.api.resources import BUILT_IN
from labctl.apiserver.discovery import Discovery, Document
from labctl.apiserver.request import Target, parse_path
from labctl.apiserver.watchcache.cache import WatchCache

_Edition = tuple[object, ...]


class Served:
    """The catalog of now, and its discovery documents."""

    def __init__(self, cache: WatchCache) -> None:
        self._offer(BUILT_IN)
        self.discovery = Discovery(BUILT_IN)
        self._cache = cache
        self._custom: dict[_Edition, tuple[Resource, ...]] = {}
        cache.subscribe(CUSTOMRESOURCEDEFINITIONS, self._changed)

    async def locate(self, path: str) -> Target | None:
        """What a path names, None if there is nothing; what was defined a moment ago counts."""
        target = self._parse(path)
        if target is None and path.startswith("/apis/"):
            await self._cache.fresh()
            target = self._parse(path)
        return target

    async def document(self, path: str, accept: str) -> Document | None:
        """The discovery document at a path; raises 406. It knows of what was just defined."""
        if path.startswith("/apis"):
            await self._cache.fresh()
        return self.discovery.document(path, accept)

    async def newest(self) -> Catalog:
        """The catalog with all that was defined before the call."""
        await self._cache.fresh()
        return self.catalog

    def _offer(self, catalog: Catalog) -> None:
        self.catalog = catalog
        # Most of what is asked is something more of the same collection.
        self._parse = lru_cache(maxsize=256)(partial(parse_path, catalog=catalog))

    def _changed(self) -> None:
        entries = sorted(self._cache.entries(CUSTOMRESOURCEDEFINITIONS), key=lambda one: one.key)
        editions = {_edition(entry.object): entry.object for entry in entries}
        if editions.keys() == self._custom.keys():
            return
        before = self._custom
        self._custom = {
            edition: before.get(edition) or served_resources(crd)
            for edition, crd in editions.items()
        }
        custom = [one for resources in self._custom.values() for one in resources]
        custom.sort(key=lambda one: one.group)
        self._offer(BUILT_IN.beside(custom))
        self.discovery = Discovery(self.catalog)
        for edition in before.keys() - editions.keys():
            for resource in before[edition]:
                if not self._is_as_it_was(resource):
                    self._cache.end_watches(resource)

    def _is_as_it_was(self, resource: Resource) -> bool:
        """Whether objects are shown as before: else a watch would go on under old rules."""
        now = self.catalog.find(resource.group, resource.version, resource.plural)
        if now is None or now.custom is None or resource.custom is None:
            return False
        return now.custom.schema == resource.custom.schema


def _edition(crd: Obj) -> _Edition:
    """What a definition's resources are made of: equal editions serve the same."""
    metadata, status = crd["metadata"], crd.get("status") or {}
    return (
        metadata["uid"],
        metadata["generation"],
        is_deleting(crd),
        is_condition_true(crd, "Established"),
        repr(status.get("acceptedNames")),
    )
