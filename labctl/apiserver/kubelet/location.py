"""Where a pod or container is: its node's address, and the path under which the agent serves it."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from labctl.api import status
from labctl.api.kinds.core import NODES, PODS
from labctl.api.objects import Obj
from labctl.apiserver.kubelet.agents import internal_address
from labctl.apiserver.registry.backend import Backend
from labctl.apiserver.request import Request

_GROUPS = ("initContainers", "containers", "ephemeralContainers")  # in kube-apiserver's order


@dataclass(frozen=True, slots=True)
class Location:
    """`path` is `NAMESPACE/POD` or `NAMESPACE/POD/CONTAINER`, quoted."""

    address: str
    path: str


async def find_pod(backend: Backend, request: Request) -> Obj:
    """The pod that a request is for; raises 404."""
    return (await backend.read(PODS, request.namespace, request.name)).object


def locate(backend: Backend, pod: Obj, container: str = "") -> Location:
    """Where the agent serves the pod, or one container of it; raises 400 or 503."""
    metadata, node = pod["metadata"], pod["spec"].get("nodeName")
    if not node:
        raise status.bad_request(f"pod {metadata['name']} does not have a host assigned")
    entry = backend.cache.get(NODES, "", node)
    address = internal_address(entry.object) if entry else ""
    if not address:
        raise status.service_unavailable(f"node {node} has no known address")
    words = (metadata["namespace"], metadata["name"], *([container] if container else ()))
    return Location(address, "/".join(quote(word, safe="") for word in words))


def container_name(pod: Obj, query: Mapping[str, str]) -> str:
    """The container that a query means; raises 400 if it is not the pod's, or not clear."""
    spec, name = pod["spec"], pod["metadata"]["name"]
    names = [container["name"] for group in _GROUPS for container in spec.get(group) or ()]
    wanted = query.get("container", "")
    if wanted:
        if wanted not in names:
            raise status.bad_request(f"container {wanted} is not valid for pod {name}")
        return wanted
    containers: list[Obj] = spec.get("containers") or []
    if len(containers) == 1:
        return str(containers[0]["name"])
    raise status.bad_request(
        f"a container name must be specified for pod {name}, choose one of: [{' '.join(names)}]"
    )
