"""What a server serves beside the built-in kinds, as its aggregated discovery tells."""

from labctl.api.objects import Obj
from labctl.api.resource import Resource
from labctl.api.resources import find
from labctl.client.client import Client

_AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


async def discover(client: Client) -> list[Resource]:
    """The resources that are no built-in ones, in the server's order: one request."""
    groups = (await client.transport.request("GET", "/apis", accept=_AGGREGATED))["items"]
    found = [
        _resource(group["metadata"]["name"], version["version"], entry)
        for group in groups
        for version in group["versions"]
        for entry in version["resources"]
    ]
    return [one for one in found if find(one.group, one.version, one.plural) is None]


def _resource(group: str, version: str, entry: Obj) -> Resource:
    return Resource(
        group,
        version,
        entry["responseKind"]["kind"],
        entry["resource"],
        namespaced=entry["scope"] == "Namespaced",
        short_names=tuple(entry.get("shortNames") or ()),
        categories=tuple(entry.get("categories") or ()),
        subresources=tuple(one["subresource"] for one in entry.get("subresources") or ()),
        verbs=tuple(entry["verbs"]),
        acted_upon=True,
        singular_name=entry.get("singularResource") or "",
    )
