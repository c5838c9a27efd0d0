"""The operations that a resource offers, as both versions of OpenAPI tell them.

Identifiers, actions and paths are those of Kubernetes' own documents: kubectl finds a kind by the
extension on its PATCH operation, or by the path, and generated clients take the identifier for the
name of a method.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from labctl.api.resource import Resource
from labctl.apiserver.discovery import SUBRESOURCE_TYPES, SUBRESOURCE_VERBS
from labctl.apiserver.openapi.parameters import Parameter, query_parameters

GroupVersionKind = tuple[str, str, str]

STATUS: GroupVersionKind = ("", "v1", "Status")

# By Kubernetes' verb: the HTTP method, the word in x-kubernetes-action, and that in identifiers.
_VERBS = {
    "list": ("get", "list", "list"),
    "create": ("post", "post", "create"),
    "deletecollection": ("delete", "deletecollection", "delete"),
    "get": ("get", "get", "read"),
    "update": ("put", "put", "replace"),
    "patch": ("patch", "patch", "patch"),
    "delete": ("delete", "delete", "delete"),
}
_CONNECTED = ("attach", "exec", "portforward")
_PLAIN_TEXT = ("log", *_CONNECTED)


@dataclass(frozen=True)
class Operation:
    """A method on a path. `takes` and `gives` are the kinds of the bodies; None for plain text."""

    method: str
    action: str
    identifier: str
    kind: GroupVersionKind
    takes: GroupVersionKind | None
    gives: GroupVersionKind | None
    query: Sequence[Parameter]

    @property
    def is_patch(self) -> bool:
        """Whether the body is a patch, which comes in media types of its own."""
        return self.action == "patch"


def paths(resource: Resource) -> Iterator[tuple[str, list[Operation]]]:
    """Each path of a resource, with its parameters in braces, and what can be done there."""
    collection = resource.path("{namespace}")
    if resource.namespaced:
        yield resource.path(), _operations(resource, ("list",), "ForAllNamespaces")
    yield collection, _operations(resource, ("list", "create", "deletecollection"))
    single = f"{collection}/{{name}}"
    yield single, _operations(resource, ("get", "update", "patch", "delete"))
    for subresource in resource.subresources:
        yield f"{single}/{subresource}", list(_of_subresource(resource, subresource))


def _operations(resource: Resource, verbs: Sequence[str], suffix: str = "") -> list[Operation]:
    return [_operation(resource, verb, suffix) for verb in verbs if verb in resource.verbs]


def _operation(resource: Resource, verb: str, suffix: str) -> Operation:
    method, action, word = _VERBS[verb]
    kind = _kind_of(resource)
    many = (resource.group, resource.version, f"{resource.kind}List")
    scope = "Namespaced" if resource.namespaced and not suffix else ""
    collection = "Collection" if verb == "deletecollection" else ""
    return Operation(
        method=method,
        action=action,
        identifier=f"{word}{_camel(resource)}{collection}{scope}{resource.kind}{suffix}",
        kind=kind,
        takes=_taken(verb, kind),
        gives={"list": many, "delete": STATUS, "deletecollection": STATUS}.get(verb, kind),
        query=query_parameters(verb),
    )


def _taken(verb: str, kind: GroupVersionKind) -> GroupVersionKind | None:
    if verb in {"create", "update"}:
        return kind
    if verb in {"delete", "deletecollection"}:
        return ("", "v1", "DeleteOptions")
    return ("", "v1", "Patch") if verb == "patch" else None


def _of_subresource(resource: Resource, name: str) -> Iterator[Operation]:
    kind = SUBRESOURCE_TYPES.get(name, _kind_of(resource))
    connects = name in _CONNECTED
    for verb in SUBRESOURCE_VERBS.get(name, []):
        method, action, word = _VERBS[verb]
        word = (
            f"connect{_camel(resource)}{method.capitalize()}"
            if connects
            else word + _camel(resource)
        )
        scope = "Namespaced" if resource.namespaced else ""
        yield Operation(
            method=method,
            action="connect" if connects else action,
            identifier=f"{word}{scope}{resource.kind}{name.capitalize()}",
            kind=kind,
            takes=None if connects else _taken(verb, kind),
            gives=None if name in _PLAIN_TEXT else kind,
            query=query_parameters(name if name in _PLAIN_TEXT else verb),
        )


def _kind_of(resource: Resource) -> GroupVersionKind:
    return resource.group, resource.version, resource.kind


def _camel(resource: Resource) -> str:
    """`AppsV1`, `RbacAuthorizationV1`, `CoreV1`: a group and version within an identifier."""
    group = resource.group.removesuffix(".k8s.io") or "core"
    words = [*group.replace("-", ".").split("."), resource.version]
    return "".join(word[:1].upper() + word[1:] for word in words)
