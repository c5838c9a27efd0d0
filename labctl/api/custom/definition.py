"""From a CustomResourceDefinition to the resources that it defines, one a served version."""

import re
from typing import Any

from labctl.api.custom.type import CustomType
from labctl.api.objects import Obj, is_condition_true, is_deleting, name
from labctl.api.resource import ALL_VERBS, Resource

ESTABLISHED, NAMES_ACCEPTED, TERMINATING = "Established", "NamesAccepted", "Terminating"
CLEANUP = "customresourcecleanup.apiextensions.k8s.io"

_VERSION = re.compile(r"v([1-9][0-9]*)(?:(alpha|beta)([1-9][0-9]*))?")
_STAGES = {"alpha": 0, "beta": 1, None: 2}
_ENDING_VERBS = tuple(verb for verb in ALL_VERBS if verb != "create")


def served_resources(crd: Obj) -> tuple[Resource, ...]:
    """What a definition adds to the catalog: nothing before it is established.

    While it is being deleted its objects can be cleaned up, whichever versions were served, and no
    new ones can be made.
    """
    if not is_condition_true(crd, ESTABLISHED):
        return ()
    names = (crd.get("status") or {}).get("acceptedNames") or crd["spec"]["names"]
    return defined_resources(crd, names)


def defined_resources(crd: Obj, names: Obj | None = None) -> tuple[Resource, ...]:
    """The resources of a definition whatever its state; the preferred version comes first."""
    names = crd["spec"]["names"] if names is None else names
    ending = is_deleting(crd)
    versions = [one for one in crd["spec"]["versions"] if one["served"] or ending]
    versions.sort(key=lambda one: version_priority(one["name"]), reverse=True)
    return tuple(_resource(crd, names, version, ending=ending) for version in versions)


def version_priority(version: str) -> tuple[Any, ...]:
    """By which versions are ordered: v2 > v1 > v1beta2 > v1beta1 > v1alpha1 > anything else."""
    match = _VERSION.fullmatch(version)
    if match is None:
        return (0, [-ord(char) for char in version])
    major, stage, minor = match.groups()
    return (1, _STAGES[stage], int(major), int(minor or 0))


def storage_version(crd: Obj) -> str:
    """The version in which objects are stored; "" of a definition that has none, and is not valid."""
    versions = (crd.get("spec") or {}).get("versions") or ()
    return next((one.get("name", "") for one in versions if one.get("storage")), "")


def _resource(crd: Obj, names: Obj, version: Obj, *, ending: bool) -> Resource:
    spec = crd["spec"]
    fields = (one["jsonPath"] for one in version.get("selectableFields") or ())
    return Resource(
        spec["group"],
        version["name"],
        names["kind"],
        names["plural"],
        namespaced=spec["scope"] == "Namespaced",
        short_names=tuple(names.get("shortNames") or ()),
        categories=tuple(names.get("categories") or ()),
        subresources=tuple(sorted(version.get("subresources") or ())),
        verbs=_ENDING_VERBS if ending else ALL_VERBS,
        acted_upon=True,
        field_selectors=tuple(field.removeprefix(".") for field in fields),
        singular_name=names.get("singular") or "",
        list_name=names.get("listKind") or "",
        custom=_custom_type(crd, version),
    )


def _custom_type(crd: Obj, version: Obj) -> CustomType:
    group = crd["spec"]["group"]
    return CustomType(
        name(crd),
        f"{group}/{storage_version(crd)}",
        (version.get("schema") or {}).get("openAPIV3Schema") or {},
        tuple(version.get("additionalPrinterColumns") or ()),
        (version.get("subresources") or {}).get("scale"),
        _deprecation(crd, version),
    )


def _deprecation(crd: Obj, version: Obj) -> str:
    if not version.get("deprecated"):
        return ""
    own = f"{crd['spec']['group']}/{version['name']} {crd['spec']['names']['kind']} is deprecated"
    return str(version.get("deprecationWarning") or own)
