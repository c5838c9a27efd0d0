"""The verbs of the Kubernetes API, over any transport.

Objects go in and come out as plain dicts. Each method is one request; failures are `StatusError`
with the server's own Status. Nothing is cached and nothing is retried here.
"""

import builtins
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from labctl.api.objects import Obj, name, namespace
from labctl.api.resource import Resource
from labctl.client.transport import Transport
from labctl.errors import StatusError

PatchType = Literal["merge", "strategic", "json", "apply"]

_PATCH_TYPES = {
    "merge": "application/merge-patch+json",
    "strategic": "application/strategic-merge-patch+json",
    "json": "application/json-patch+json",
    "apply": "application/apply-patch+yaml",  # JSON is YAML
}
_TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"


class WatchEvent(NamedTuple):
    """One line of a watch: ADDED, MODIFIED, DELETED or BOOKMARK, and the object."""

    type: str
    object: Obj


@dataclass(frozen=True)
class ObjectList:
    """A list as of one revision; watching from `resource_version` continues it without a gap."""

    items: list[Obj]
    resource_version: str


class Client:
    """The API's verbs. `transport` says who is asking and where."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport

    async def get(self, resource: Resource, name: str, namespace: str = "") -> Obj:
        return await self.transport.request("GET", resource.path(namespace, name))

    async def list(
        self, resource: Resource, namespace: str = "", *, labels: str = "", fields: str = ""
    ) -> ObjectList:
        """All objects of a kind (in a namespace), at the newest revision; selectors as text."""
        answer = await self.transport.request(
            "GET", resource.path(namespace), query=_selectors(labels, fields)
        )
        items = [_with_kind(resource, item) for item in answer.get("items") or ()]
        return ObjectList(items, answer.get("metadata", {}).get("resourceVersion", ""))

    async def create(self, resource: Resource, obj: Obj, subresource: str = "") -> Obj:
        at = name(obj) if subresource else ""
        path = resource.path(namespace(obj), at, subresource)
        return await self.transport.request("POST", path, body=obj)

    async def replace(self, resource: Resource, obj: Obj, subresource: str = "") -> Obj:
        """PUT; a resourceVersion in `obj` makes it a compare-and-swap (409 Conflict)."""
        path = resource.path(namespace(obj), name(obj), subresource)
        return await self.transport.request("PUT", path, body=obj)

    async def patch(
        self,
        resource: Resource,
        name: str,
        patch: Obj | builtins.list[Any],
        namespace: str = "",
        *,
        subresource: str = "",
        type: PatchType = "merge",  # noqa: A002 - the API's word
    ) -> Obj:
        """PATCH; `patch` is a list of operations for "json", else an object."""
        query = {"fieldManager": "labctl"} if type == "apply" else {}
        return await self.transport.request(
            "PATCH",
            resource.path(namespace, name, subresource),
            query=query,
            body=patch,
            content_type=_PATCH_TYPES[type],
        )

    async def delete(
        self,
        resource: Resource,
        name: str,
        namespace: str = "",
        *,
        grace: int | None = None,
        propagation: str | None = None,
        uid: str | None = None,
    ) -> Obj:
        """DELETE; `grace` in seconds, `propagation` Background|Foreground|Orphan, `uid` as
        precondition (409 Conflict when the name has another object by now).
        """
        options: Obj = {"apiVersion": "v1", "kind": "DeleteOptions"}
        if grace is not None:
            options["gracePeriodSeconds"] = grace
        if propagation is not None:
            options["propagationPolicy"] = propagation
        if uid is not None:
            options["preconditions"] = {"uid": uid}
        return await self.transport.request("DELETE", resource.path(namespace, name), body=options)

    async def watch(
        self,
        resource: Resource,
        namespace: str = "",
        *,
        labels: str = "",
        fields: str = "",
        resource_version: str = "",
    ) -> AsyncGenerator[WatchEvent, None]:
        """Changes after `resource_version` (none: what is there now, as ADDED, then changes),
        bookmarks among them. Ends when the server ends it; an ERROR event is raised.
        """
        query = {"watch": "true", "allowWatchBookmarks": "true", **_selectors(labels, fields)}
        if resource_version:
            query["resourceVersion"] = resource_version
        stream = self.transport.stream(resource.path(namespace), query)
        try:
            async for event in stream:
                if event["type"] == "ERROR":
                    raise StatusError(event["object"])
                yield WatchEvent(event["type"], event["object"])
        finally:
            await stream.aclose()

    async def bind(self, namespace: str, pod: str, node: str, uid: str = "") -> None:
        """Binds a pod to a node (POST pods/POD/binding); `uid` as precondition."""
        metadata: Obj = {"name": pod, "namespace": namespace}
        if uid:
            metadata["uid"] = uid
        binding = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": metadata,
            "target": {"apiVersion": "v1", "kind": "Node", "name": node},
        }
        path = f"/api/v1/namespaces/{namespace}/pods/{pod}/binding"
        await self.transport.request("POST", path, body=binding)

    async def evict(self, namespace: str, pod: str, grace: int | None = None) -> None:
        """Asks for a pod's eviction (429 TooManyRequests while a budget forbids it)."""
        eviction: Obj = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": pod, "namespace": namespace},
        }
        if grace is not None:
            eviction["deleteOptions"] = {"gracePeriodSeconds": grace}
        path = f"/api/v1/namespaces/{namespace}/pods/{pod}/eviction"
        await self.transport.request("POST", path, body=eviction)

    async def table(
        self,
        resource: Resource,
        namespace: str = "",
        name: str = "",
        *,
        labels: str = "",
        fields: str = "",
    ) -> Obj:
        """What `get` prints: the server's own Table of one object or of a list."""
        return await self.transport.request(
            "GET",
            resource.path(namespace, name),
            query=_selectors(labels, fields),
            accept=_TABLE,
        )


def _selectors(labels: str, fields: str) -> dict[str, str]:
    query = {}
    if labels:
        query["labelSelector"] = labels
    if fields:
        query["fieldSelector"] = fields
    return query


def _with_kind(resource: Resource, item: Obj) -> Obj:
    """Items of Kubernetes' own lists carry neither apiVersion nor kind."""
    if "kind" in item:
        return item
    return {"apiVersion": resource.api_version, "kind": resource.kind, **item}
