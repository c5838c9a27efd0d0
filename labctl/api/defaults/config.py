"""Defaults of Namespaces, Nodes, Secrets and LimitRanges (pkg/apis/core/v1/defaults.go, conversion.go)."""

import base64
from collections.abc import Callable

from labctl.api.defaults.fill import change, change_spec, each, fill
from labctl.api.kinds.core import LIMITRANGES, NAMESPACES, NODES, SECRETS
from labctl.api.objects import Obj, labels, name
from labctl.api.resource import Resource

NAME_LABEL = "kubernetes.io/metadata.name"


def _namespace(obj: Obj) -> Obj:
    """Every namespace carries its own name as a label, so that policies can select it."""
    own = name(obj)
    if not own:
        return obj
    metadata = {**obj["metadata"], "labels": {**labels(obj), NAME_LABEL: own}}
    return {**obj, "metadata": metadata}


def _node(obj: Obj) -> Obj:
    """What a node has is what it has to give, unless it says otherwise."""
    return change(obj, "status", _node_status)


def _node_status(status: Obj) -> Obj:
    capacity = status.get("capacity")
    return fill(status, {"allocatable": capacity}) if capacity else status


def _secret(obj: Obj) -> Obj:
    """`stringData` is a way to write `data` without encoding it; it is never read back."""
    secret = fill(obj, {"type": "Opaque"})
    plain = secret.pop("stringData", None)
    if plain:
        encoded = {key: base64.b64encode(text.encode()).decode() for key, text in plain.items()}
        secret["data"] = {**secret.get("data", {}), **encoded}
    return secret


def _limit(limit: Obj) -> Obj:
    """What containers get where they say nothing: the most, unless another default is given."""
    if limit.get("type") != "Container":
        return limit
    limits = {**(limit.get("max") or {}), **(limit.get("default") or {})}
    requests = {**(limit.get("min") or {}), **limits, **(limit.get("defaultRequest") or {})}
    defaults = {"default": limits, "defaultRequest": requests}
    return limit | {member: given for member, given in defaults.items() if given}


DEFAULTERS: dict[Resource, Callable[[Obj], Obj]] = {
    NAMESPACES: _namespace,
    NODES: _node,
    SECRETS: _secret,
    LIMITRANGES: lambda obj: change_spec(obj, lambda spec: change(spec, "limits", each(_limit))),
}
