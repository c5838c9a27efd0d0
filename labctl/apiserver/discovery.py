"""What a client finds out before it asks for anything: groups, versions, resources, health.

The legacy documents (`/api`, `/apis`, `/apis/GROUP/VERSION`), which every client understands. The
table of resources does not change while a server runs, so the documents are made once.
"""

from functools import cache

from labctl.api.objects import Obj
from labctl.api.resources import SERVED, Resource
from labctl.api.version import version_info

SUBRESOURCE_VERBS = {
    "status": ["get", "patch", "update"],
    "scale": ["get", "patch", "update"],
    "finalize": ["update"],
    "log": ["get"],
    "binding": ["create"],
    "eviction": ["create"],
    "exec": ["create", "get"],
    "attach": ["create", "get"],
    "portforward": ["create", "get"],
}
# The types of subresources that are not those of their resource, by group, version and kind.
SUBRESOURCE_TYPES = {
    "scale": ("autoscaling", "v1", "Scale"),
    "binding": ("", "v1", "Binding"),
    "eviction": ("policy", "v1", "Eviction"),
    "exec": ("", "v1", "PodExecOptions"),
    "attach": ("", "v1", "PodAttachOptions"),
    "portforward": ("", "v1", "PodPortForwardOptions"),
}


@cache
def document(path: str) -> Obj | None:
    """The document at a path without its trailing slash, or None if there is none."""
    if path == "/version":
        return version_info()
    if path == "/api":
        return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}
    if path == "/apis":
        groups = [_group(name) for name in _groups() if name]
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}
    return _group_document(path.split("/")[1:])


def _group_document(parts: list[str]) -> Obj | None:
    match parts:
        case ["api", version]:
            return _resource_list("", version)
        case ["apis", group] if group in _groups() and group:
            return {"kind": "APIGroup", "apiVersion": "v1", **_group(group)}
        case ["apis", group, version] if group:
            return _resource_list(group, version)
    return None


@cache
def _groups() -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for resource in SERVED:
        versions = groups.setdefault(resource.group, [])
        if resource.version not in versions:
            versions.append(resource.version)
    return groups


def _group(name: str) -> Obj:
    versions = [
        {"groupVersion": f"{name}/{version}", "version": version} for version in _groups()[name]
    ]
    return {"name": name, "versions": versions, "preferredVersion": versions[0]}


def _resource_list(group: str, version: str) -> Obj | None:
    resources = [one for one in SERVED if (one.group, one.version) == (group, version)]
    if not resources:
        return None
    listed = [entry for resource in resources for entry in _entries(resource)]
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": resources[0].api_version,
        "resources": listed,
    }


def _entries(resource: Resource) -> list[Obj]:
    entry: Obj = {
        "name": resource.plural,
        "singularName": resource.singular,
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": list(resource.verbs),
    }
    if resource.short_names:
        entry["shortNames"] = list(resource.short_names)
    if resource.categories:
        entry["categories"] = list(resource.categories)
    return [entry, *(_subresource(resource, name) for name in resource.subresources)]


def _subresource(resource: Resource, name: str) -> Obj:
    group, version, kind = SUBRESOURCE_TYPES.get(name, (None, None, resource.kind))
    entry: Obj = {
        "name": f"{resource.plural}/{name}",
        "singularName": "",
        "namespaced": resource.namespaced,
        "kind": kind,
        "verbs": SUBRESOURCE_VERBS.get(name, []),
    }
    if version and (group, version) != (resource.group, resource.version):
        entry |= {"group": group, "version": version}
    return entry
