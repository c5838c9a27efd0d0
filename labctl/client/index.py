"""Objects of a cache by something other than their name, kept up to date with every event."""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from labctl.api.objects import Obj, key
from labctl.client.cache import Cache

_NONE: Mapping[str, Obj] = MappingProxyType({})


class Index:
    """`values(obj)` says under which values an object is found, e.g. the node it runs on."""

    def __init__(self, cache: Cache, values: Callable[[Obj], Iterable[str]]) -> None:
        self._values = values
        self._groups: dict[str, dict[str, Obj]] = {}
        cache.subscribe(self._change)

    def get(self, value: str) -> Mapping[str, Obj]:
        """The objects with that value, by "namespace/name"."""
        return self._groups.get(value, _NONE)

    def _change(self, old: Obj | None, new: Obj | None) -> None:
        before = () if old is None else tuple(self._values(old))
        after = () if new is None else tuple(self._values(new))
        for value in before:
            if old is not None and value not in after:
                self._drop(value, key(old))
        for value in after:
            if new is not None:
                self._groups.setdefault(value, {})[key(new)] = new

    def _drop(self, value: str, at: str) -> None:
        group = self._groups.get(value)
        if group is not None:
            group.pop(at, None)
            if not group:
                del self._groups[value]
