"""What a client finds out before it asks for anything: groups, versions and resources of a catalog.

The legacy documents (`/api`, `/apis`, `/apis/GROUP/VERSION`), which every client understands, and
the aggregated ones, in which newer clients get all of them at once. A catalog never changes, so each
document is made and encoded once.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from labctl.api import status
from labctl.api.catalog import Catalog
from labctl.api.custom.definition import version_priority
from labctl.api.objects import Obj
from labctl.api.resource import Resource
from labctl.api.version import version_info
from labctl.apiserver.negotiation import negotiated
from labctl.apiserver.request import JSON

SUBRESOURCE_VERBS = {
    "status": ["get", "patch", "update"],
    "approval": ["get", "patch", "update"],
    "scale": ["get", "patch", "update"],
    "finalize": ["update"],
    "ephemeralcontainers": ["get", "patch", "update"],
    "log": ["get"],
    "binding": ["create"],
    "eviction": ["create"],
    "token": ["create"],
    "exec": ["create", "get"],
    "attach": ["create", "get"],
    "portforward": ["create", "get"],
}
# The types of subresources that are not those of their resource, by group, version and kind.
SUBRESOURCE_TYPES = {
    "scale": ("autoscaling", "v1", "Scale"),
    "binding": ("", "v1", "Binding"),
    "eviction": ("policy", "v1", "Eviction"),
    "token": ("authentication.k8s.io", "v1", "TokenRequest"),
    "exec": ("", "v1", "PodExecOptions"),
    "attach": ("", "v1", "PodAttachOptions"),
    "portforward": ("", "v1", "PodPortForwardOptions"),
}
_AGGREGATED = "application/json;g=apidiscovery.k8s.io;v={};as=APIGroupDiscoveryList"
_VERSIONS = {_AGGREGATED.format(version): version for version in ("v2", "v2beta1")}


@dataclass(frozen=True)
class Document:
    """A document as it goes over the wire."""

    body: bytes
    content_type: str = JSON

    @property
    def etag(self) -> str:
        return f'"{hashlib.sha256(self.body).hexdigest()}"'


class Discovery:
    """The documents of one catalog."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._groups = _versions_by_group(catalog)
        self._made: dict[tuple[str, str], Document] = {}

    def document(self, path: str, accept: str = "") -> Document | None:
        """The document at a path without its trailing slash, or None if there is none.

        Raises 406 for an Accept header that names only what is not served here.
        """
        aggregates = path in ("/api", "/apis")
        form = _form(accept) if aggregates else JSON
        found = self._made.get((path, form)) or self._make(path, form)
        if found is not None:
            self._made[path, form] = found
            if not aggregates:
                negotiated(accept, (JSON,))
        return found

    def _make(self, path: str, form: str) -> Document | None:
        version = _VERSIONS.get(form)
        value = self._aggregated(path, version) if version else self._legacy(path)
        return None if value is None else Document(msgspec.json.encode(value), form)

    def _legacy(self, path: str) -> Obj | None:
        if path == "/version":
            return version_info()
        if path == "/api":
            return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}
        if path == "/apis":
            groups = [self._group(name) for name in self._groups if name]
            return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}
        return self._part(path.split("/")[1:])

    def _part(self, parts: list[str]) -> Obj | None:
        match parts:
            case ["api", version]:
                return self._resource_list("", version)
            case ["apis", group] if group and group in self._groups:
                return {"kind": "APIGroup", "apiVersion": "v1", **self._group(group)}
            case ["apis", group, version] if group:
                return self._resource_list(group, version)
        return None

    def _group(self, name: str) -> Obj:
        versions = [
            {"groupVersion": f"{name}/{version}", "version": version}
            for version in self._groups[name]
        ]
        return {"name": name, "versions": versions, "preferredVersion": versions[0]}

    def _resource_list(self, group: str, version: str) -> Obj | None:
        resources = list(self._resources(group, version))
        if not resources:
            return None
        listed = [entry for resource in resources for entry in _entries(resource)]
        return {
            "kind": "APIResourceList",
            "apiVersion": "v1",
            "groupVersion": resources[0].api_version,
            "resources": listed,
        }

    def _resources(self, group: str, version: str) -> Iterator[Resource]:
        for one in self._catalog.served:
            if (one.group, one.version) == (group, version):
                yield one

    def _aggregated(self, path: str, version: str) -> Obj:
        groups = [name for name in self._groups if bool(name) is (path == "/apis")]
        return {
            "kind": "APIGroupDiscoveryList",
            "apiVersion": f"apidiscovery.k8s.io/{version}",
            "metadata": {},
            "items": [self._aggregated_group(name) for name in groups],
        }

    def _aggregated_group(self, name: str) -> Obj:
        versions = [
            {
                "version": version,
                "resources": [_aggregated_entry(one) for one in self._resources(name, version)],
                "freshness": "Current",
            }
            for version in self._groups[name]
        ]
        return {"metadata": {"name": name, "creationTimestamp": None}, "versions": versions}


def _form(accept: str) -> str:
    """The content type that an Accept header's first choice gets, of those that there are."""
    ranges = [_media_range(one) for one in accept.split(",") if one.strip()]
    for media_type, parameters in ranges:
        if media_type == JSON and parameters.get("as") == "APIGroupDiscoveryList":
            form = _AGGREGATED.format(parameters.get("v"))
            if form in _VERSIONS:
                return form
        elif media_type in (JSON, "application/*", "*/*") and "as" not in parameters:
            return JSON
    if ranges:
        raise status.not_acceptable((JSON, *_VERSIONS))
    return JSON


def _media_range(text: str) -> tuple[str, dict[str, str]]:
    media_type, *parameters = (part.strip() for part in text.split(";"))
    pairs = (one.partition("=") for one in parameters)
    return media_type.lower(), {key: value for key, _, value in pairs}


def _versions_by_group(catalog: Catalog) -> dict[str, list[str]]:
    """The versions of every group, the preferred one first; groups that users made come last."""
    groups: dict[str, list[str]] = {}
    custom = [one for one in catalog.served if one.custom is not None]
    custom.sort(key=lambda one: version_priority(one.version), reverse=True)
    custom.sort(key=lambda one: one.group)
    for resource in (*(one for one in catalog.served if one.custom is None), *custom):
        versions = groups.setdefault(resource.group, [])
        if resource.version not in versions:
            versions.append(resource.version)
    return groups


def _entries(resource: Resource) -> list[Obj]:
    entry: Obj = {
        "name": resource.plural,
        "singularName": resource.singular,
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": list(resource.verbs),
        **_more_words(resource),
    }
    return [entry, *(_subresource(resource, name) for name in resource.subresources)]


def _more_words(resource: Resource) -> Obj:
    words: Obj = {}
    if resource.short_names:
        words["shortNames"] = list(resource.short_names)
    if resource.categories:
        words["categories"] = list(resource.categories)
    return words


def _subresource(resource: Resource, name: str) -> Obj:
    group, version, kind = _subresource_type(resource, name)
    entry: Obj = {
        "name": f"{resource.plural}/{name}",
        "singularName": "",
        "namespaced": resource.namespaced,
        "kind": kind,
        "verbs": SUBRESOURCE_VERBS.get(name, []),
    }
    if (group, version) != (resource.group, resource.version):
        entry |= {"group": group, "version": version}
    return entry


def _subresource_type(resource: Resource, name: str) -> tuple[str, str, str]:
    return SUBRESOURCE_TYPES.get(name, (resource.group, resource.version, resource.kind))


def _aggregated_entry(resource: Resource) -> Obj:
    entry: Obj = {
        "resource": resource.plural,
        "responseKind": _kind(resource.group, resource.version, resource.kind),
        "scope": "Namespaced" if resource.namespaced else "Cluster",
        "singularResource": resource.singular,
        "verbs": list(resource.verbs),
        **_more_words(resource),
    }
    if resource.subresources:
        entry["subresources"] = [
            {
                "subresource": name,
                "responseKind": _kind(*_subresource_type(resource, name)),
                "verbs": SUBRESOURCE_VERBS.get(name, []),
            }
            for name in resource.subresources
        ]
    return entry


def _kind(group: str, version: str, kind: str) -> Obj:
    return {"group": group, "version": version, "kind": kind}
