"""Every kind whose objects can be deleted and watched: the built-in ones, and custom ones as they
come and go with their CustomResourceDefinitions.

For those who care for all objects alike: the garbage collector, the end of a namespace.
"""

import asyncio
from collections.abc import Callable
from typing import Final, NamedTuple

from labctl.api.custom.definition import served_resources
from labctl.api.kinds.apiextensions import CUSTOMRESOURCEDEFINITIONS
from labctl.api.objects import Obj
from labctl.api.resource import Resource
from labctl.api.resources import BUILT_IN, RESOURCES
from labctl.client.cache import Cache, Handler
from labctl.client.client import Client
from labctl.controllers.caches import Caches

_NEEDED: Final = {"delete", "list", "watch"}

HandlerOf = Callable[[Resource], Handler | None]


class _Followed(NamedTuple):
    """A custom kind whose objects are followed, in one of its versions."""

    resource: Resource
    cache: Cache
    task: asyncio.Task[None]


class Kinds:
    """Subscribe before `run`; custom kinds are followed from then on."""

    def __init__(self, client: Client, caches: Caches) -> None:
        self.catalog = BUILT_IN
        self._client = client
        self._caches = caches
        self._handlers: list[HandlerOf] = []
        self._followed: dict[str, _Followed] = {}
        self._changed = asyncio.Event()
        self._definitions = caches.of(CUSTOMRESOURCEDEFINITIONS)
        self._definitions.subscribe(self._definition_changed)

    def subscribe(self, handler_of: HandlerOf) -> None:
        """Asks for a handler of every kind that is there or will be; None is no interest in it."""
        self._handlers.append(handler_of)
        for resource in _deletable(RESOURCES):
            handler = handler_of(resource)
            if handler is not None:
                self._caches.of(resource).subscribe(handler)

    def namespaced(self) -> list[Resource]:
        """The kinds of now whose objects are in namespaces, each in one version."""
        custom = (one.resource for one in self._followed.values())
        return [one for one in (*_deletable(RESOURCES), *custom) if one.namespaced]

    async def run(self) -> None:
        """Follows custom kinds until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                await self._changed.wait()
                self._changed.clear()
                self._follow(group)

    def _definition_changed(self, _: Obj | None, __: Obj | None) -> None:
        self._changed.set()

    def _follow(self, group: asyncio.TaskGroup) -> None:
        """Begins with what is new, and ends with what is gone."""
        served = {at: served_resources(crd) for at, crd in self._definitions.objects.items()}
        custom = [one for resources in served.values() for one in resources]
        self.catalog = BUILT_IN.beside(custom)
        for at, followed in list(self._followed.items()):
            if not any(one.path() == followed.resource.path() for one in served.get(at, ())):
                del self._followed[at]
                followed.task.cancel()
                followed.cache.clear()
        for at, resources in served.items():
            if resources and at not in self._followed:
                self._followed[at] = self._begin(resources[0], group)

    def _begin(self, resource: Resource, group: asyncio.TaskGroup) -> _Followed:
        cache = Cache(self._client, resource)
        for handler_of in self._handlers:
            handler = handler_of(resource)
            if handler is not None:
                cache.subscribe(handler)
        return _Followed(resource, cache, group.create_task(cache.run()))


def _deletable(resources: tuple[Resource, ...]) -> list[Resource]:
    """Each kind once: what shows another's objects in another version or group adds none."""
    return [one for one in resources if one.stored is None and set(one.verbs) >= _NEEDED]
