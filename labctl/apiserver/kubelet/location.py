"""Where a container is: its node's address, and the path under which the agent serves it."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from labctl.api import status
from labctl.api.kinds.core import NODES, PODS
from labctl.api.objects import Obj
from labctl.apiserver.kubelet.agents import internal_address
from labctl.apiserver.registry.backend import Backend
from labctl.apiserver.request import Request


@dataclass(frozen=True, slots=True)
class Location:
    """A container on a node; `path` is `NAMESPACE/POD/CONTAINER`, quoted."""

    address: str
    path: str


async def locate(backend: Backend, request: Request) -> Location:
    """Where the container of a log, exec or attach request is; raises 400, 404, 503."""
    pod = (await backend.read(PODS, request.namespace, request.name)).object
    container = container_name(pod, request.query)
    node = pod["spec"].get("nodeName")
    if not node:
        raise status.bad_request(f"pod {request.name} does not have a host assigned")
    entry = backend.cache.get(NODES, "", node)
    address = internal_address(entry.object) if entry else ""
    if not address:
        raise status.service_unavailable(f"node {node} has no known address")
    path = "/".join(quote(part, safe="") for part in (request.namespace, request.name, container))
    return Location(address, path)


def container_name(pod: Obj, query: Mapping[str, str]) -> str:
    """The container that a query means; raises 400 if it is not the pod's, or not clear."""
    spec, name = pod["spec"], pod["metadata"]["name"]
    groups = ("containers", "initContainers", "ephemeralContainers")
    names = [container["name"] for group in groups for container in spec.get(group) or ()]
    wanted = query.get("container", "")
    if wanted:
        if wanted not in names:
            raise status.bad_request(f"container {wanted} is not valid for pod {name}")
        return wanted
    containers: list[Obj] = spec.get("containers") or []
    if len(containers) == 1:
        return str(containers[0]["name"])
    raise status.bad_request(
        f"a container name must be specified for pod {name}, "
        f"choose one of: [{' '.join(c['name'] for c in containers)}]"
    )
