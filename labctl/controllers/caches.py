"""One cache a resource for all controllers of a process, and the indexes that several of them ask.

Controllers subscribe while they are made; then all caches run together.
"""

import asyncio
from collections.abc import Iterable, Mapping

from labctl.api.kinds.core import PODS
from labctl.api.objects import Obj, controller_of, namespace
from labctl.api.resource import Resource
from labctl.client.cache import Cache
from labctl.client.client import Client
from labctl.client.index import Index


class Caches:
    """Caches by resource, made when first asked for."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._caches: dict[Resource, Cache] = {}
        self._pods_by_owner = Index(self.of(PODS), _pod_owner)
        self._pods_by_node = Index(self.of(PODS), _pod_node)

    def of(self, resource: Resource) -> Cache:
        if resource not in self._caches:
            self._caches[resource] = Cache(self._client, resource)
        return self._caches[resource]

    def pods_of(self, owner_uid: str) -> Mapping[str, Obj]:
        """Pods whose controller has that UID, by "namespace/name"."""
        return self._pods_by_owner.get(owner_uid)

    def orphan_pods(self, namespace: str) -> Mapping[str, Obj]:
        """Pods of a namespace that no controller owns."""
        return self._pods_by_owner.get(_orphans(namespace))

    def pods_on(self, node: str) -> Mapping[str, Obj]:
        return self._pods_by_node.get(node)

    async def run(self) -> None:
        """Follows the API until cancelled."""
        async with asyncio.TaskGroup() as group:
            for cache in self._caches.values():
                group.create_task(cache.run())

    async def synced(self) -> None:
        """Returns once every cache has its first list."""
        for cache in list(self._caches.values()):
            await cache.synced()


def _pod_owner(pod: Obj) -> Iterable[str]:
    owner = controller_of(pod)
    return (owner["uid"],) if owner else (_orphans(namespace(pod)),)


def _orphans(namespace: str) -> str:
    return f"orphans of {namespace}"  # no UID has a space


def _pod_node(pod: Obj) -> Iterable[str]:
    node = pod["spec"].get("nodeName")
    return (node,) if node else ()
