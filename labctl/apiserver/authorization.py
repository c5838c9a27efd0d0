"""May they: the second step of the chain, by who asks, the verb and the resource alone.

`system:masters` may do everything, and so may the control plane's own components. A node may do
what a kubelet needs; which of the objects are its own is for the admission step to check, since it
takes the objects. Everyone may ask for health and version, and everyone who is somebody for
discovery. All else is refused, in Kubernetes' words.
"""

from labctl.api import status
from labctl.api.kinds.coordination import LEASES
from labctl.api.kinds.core import (
    CONFIGMAPS,
    ENDPOINTS,
    EVENTS,
    NAMESPACES,
    NODES,
    PODS,
    SECRETS,
    SERVICEACCOUNTS,
    SERVICES,
)
from labctl.api.kinds.networking import ENDPOINTSLICES, NETWORKPOLICIES
from labctl.api.resource import Resource
from labctl.apiserver.request import Identity, Request
from labctl.errors import StatusError

MASTERS = "system:masters"
NODES_GROUP = "system:nodes"
NODE_PREFIX = "system:node:"
CONTROL_PLANE = frozenset({"system:kube-controller-manager", "system:kube-scheduler"})

_READ = frozenset({"get", "list", "watch"})
_WRITE = frozenset({"create", "update", "patch", "delete"})
_CHANGE = frozenset({"update", "patch"})

# What a kubelet needs, by (resource, subresource).
_NODE_RULES: dict[tuple[Resource, str], frozenset[str]] = {
    (NODES, ""): _READ | _WRITE,
    (NODES, "status"): _CHANGE | {"get"},
    (PODS, ""): _READ | {"create", "delete"},
    (PODS, "status"): _CHANGE | {"get"},
    (PODS, "eviction"): frozenset({"create"}),
    (LEASES, ""): _WRITE | {"get"},
    (EVENTS, ""): frozenset({"create", "update", "patch"}),
    (CONFIGMAPS, ""): _READ,
    (SECRETS, ""): _READ,
    (SERVICES, ""): _READ,
    (ENDPOINTS, ""): _READ,
    (ENDPOINTSLICES, ""): _READ,
    (NETWORKPOLICIES, ""): _READ,
    (NAMESPACES, ""): _READ,
    (SERVICEACCOUNTS, ""): frozenset({"get"}),
}

_PUBLIC_PATHS = ("/healthz", "/livez", "/readyz", "/version")
_DISCOVERY_PATHS = ("/api", "/apis", "/openapi")


def authorize(request: Request) -> None:
    """Raises 403 unless the request's user may do what it asks for."""
    if not _may(request):
        raise refusal(request)


def authorize_path(user: Identity, path: str) -> None:
    """The same for a path that is no resource. Raises 403."""
    if _is_within(path, _PUBLIC_PATHS) or MASTERS in user.groups:
        return
    if "system:authenticated" in user.groups and _is_within(path, _DISCOVERY_PATHS):
        return
    message = f'forbidden: User "{user.name}" cannot get path "{path}"'
    raise status.failure(403, "Forbidden", message, {})


def node_name(user: Identity) -> str:
    """The node that a user is, or "" for a user that is none."""
    if NODES_GROUP in user.groups and user.name.startswith(NODE_PREFIX):
        return user.name.removeprefix(NODE_PREFIX)
    return ""


def refusal(request: Request) -> StatusError:
    """403 as kube-apiserver's RBAC words it."""
    resource = request.resource
    what = f"{resource.plural}/{request.subresource}" if request.subresource else resource.plural
    where = (
        f'in the namespace "{request.namespace}"' if request.namespace else "at the cluster scope"
    )
    why = (
        f'User "{request.user.name}" cannot {request.verb} resource "{what}"'
        f' in API group "{resource.group}" {where}'
    )
    return status.forbidden(resource, request.name, why)


def _may(request: Request) -> bool:
    user = request.user
    if MASTERS in user.groups or user.name in CONTROL_PLANE:
        return True
    if node_name(user):
        return request.verb in _NODE_RULES.get((request.resource, request.subresource), ())
    return False


def _is_within(path: str, roots: tuple[str, ...]) -> bool:
    return any(path == root or path.startswith(root + "/") for root in roots)
