"""A request as the chain sees it: who wants to do what to which object, whatever carried it here.

Paths are read as Kubernetes' RequestInfo reads them (k8s.io/apiserver/pkg/endpoints/request):
`/api/v1/namespaces/NS/pods/NAME/status` is the subresource `status` of a pod, and
`/api/v1/namespaces/NS` is the namespace itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from labctl.api import status
from labctl.api.catalog import Catalog
from labctl.api.conversion import View
from labctl.api.kinds.core import NAMESPACES, PODS
from labctl.api.objects import Obj
from labctl.api.resource import Resource

# Each has a permission of its own.
_OF_STATUS = frozenset({"status", "approval"})

JSON = "application/json"
YAML = "application/yaml"
PROTOBUF = "application/vnd.kubernetes.protobuf"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who is asking: a user and the groups it is in.

    `extra` is what else its authentication told, by key, as pairs: an identity can be a key itself.
    """

    name: str
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class Target:
    """What a REST path names: a collection, an object, or a subresource of one."""

    resource: Resource
    namespace: str = ""
    name: str = ""
    subresource: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """One request for a resource; `body` is bytes from the wire or a shared object from within."""

    verb: str
    target: Target
    user: Identity
    query: Mapping[str, str]
    body: bytes | Obj | list[Any] | None = None
    content_type: str = JSON
    accept: str = JSON
    agent: str = ""
    """What a client calls itself (User-Agent); empty for a component of this process."""
    view: View | None = None
    """The form in which the client sees the resource, where that is not the stored one."""

    @property
    def resource(self) -> Resource:
        return self.target.resource

    @property
    def namespace(self) -> str:
        return self.target.namespace

    @property
    def name(self) -> str:
        return self.target.name

    @property
    def subresource(self) -> str:
        return self.target.subresource

    @property
    def media_type(self) -> str:
        """The content type without its parameters."""
        return self.content_type.partition(";")[0].strip().lower()

    @property
    def writes_status(self) -> bool:
        """Whether it is of a subresource through which an object's status is written."""
        return self.subresource in _OF_STATUS

    @property
    def dry_run(self) -> bool:
        """Whether everything but the write is wanted."""
        return self.query.get("dryRun") == "All"

    def flag(self, name: str) -> bool:
        """A boolean of the query, in the spellings of Go's ParseBool (Python clients send True)."""
        return self.query.get(name, "").lower() in {"1", "t", "true"}


def parse_path(path: str, catalog: Catalog) -> Target | None:
    """What a path names, or None if no resource of the catalog is there."""
    parts = [part for part in path.split("/") if part]
    if len(parts) >= 3 and parts[0] == "api":
        return _target(catalog, "", parts[1], parts[2:])
    if len(parts) >= 4 and parts[0] == "apis":
        return _target(catalog, parts[1], parts[2], parts[3:])
    return None


def _target(catalog: Catalog, group: str, version: str, parts: list[str]) -> Target | None:
    namespace = ""
    if parts[0] == "namespaces" and len(parts) >= 3 and not _is_of_namespace(group, parts):
        namespace, parts = parts[1], parts[2:]
    if namespace and parts == ["bindings"]:
        return Target(
            PODS, namespace, "", "binding"
        )  # the older way to bind; the body has the name
    resource = catalog.find(group, version, parts[0])
    if resource is None or len(parts) > 3 or (namespace and not resource.namespaced):
        return None
    name, subresource = (*parts[1:], "", "")[:2]
    if resource.namespaced and name and not namespace:
        return None
    if subresource and subresource not in resource.subresources:
        return None
    return Target(resource, namespace, name, subresource)


def _is_of_namespace(group: str, parts: list[str]) -> bool:
    """Whether `namespaces/X/Y` means the subresource Y of the namespace X."""
    return not group and len(parts) == 3 and parts[2] in NAMESPACES.subresources


# The methods that each subresource understands; whatever is not here is a plain object's.
_SUBRESOURCE_METHODS = {
    "status": ("GET", "PUT", "PATCH"),
    "approval": ("GET", "PUT", "PATCH"),
    "scale": ("GET", "PUT", "PATCH"),
    "finalize": ("PUT",),
    "binding": ("POST",),
    "eviction": ("POST",),
    "ephemeralcontainers": ("GET", "PUT", "PATCH"),
    "token": ("POST",),
    "log": ("GET",),
    "exec": ("GET", "POST"),
    "attach": ("GET", "POST"),
    "portforward": ("GET", "POST"),
}
_COLLECTION_METHODS = ("GET", "POST", "DELETE")
_OBJECT_METHODS = ("GET", "PUT", "PATCH", "DELETE")
_VERBS = {"GET": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


def verb_of(method: str, target: Target, query: Mapping[str, str]) -> str:
    """Kubernetes' verb for an HTTP method on a target; raises 405."""
    if target.subresource:
        allowed = _SUBRESOURCE_METHODS.get(target.subresource, ())
    else:
        allowed = _OBJECT_METHODS if target.name else _COLLECTION_METHODS
    if method not in allowed:
        raise status.method_not_allowed()
    verb = _VERBS[method]
    if not target.subresource and not target.name:
        verb = {"get": "list", "delete": "deletecollection"}.get(verb, verb)
    if verb in {"get", "list"} and query.get("watch", "").lower() in {"1", "t", "true"}:
        verb = "watch"
    if not target.subresource and verb not in target.resource.verbs:
        raise status.method_not_allowed()
    return verb
