"""Defaults of Namespaces, Nodes and Secrets (pkg/apis/core/v1/defaults.go, conversion.go)."""

import base64
from collections.abc import Callable

from labctl.api.defaults.fill import change, fill
from labctl.api.kinds.core import NAMESPACES, NODES, SECRETS
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


DEFAULTERS: dict[Resource, Callable[[Obj], Obj]] = {
    NAMESPACES: _namespace,
    NODES: _node,
    SECRETS: _secret,
}
