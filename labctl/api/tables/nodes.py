"""The rows of Nodes and Leases."""

from typing import Any

from labctl.api.kinds.coordination import LEASES
from labctl.api.kinds.core import NODES
from labctl.api.objects import Obj, condition, labels, name
from labctl.api.tables.columns import AGE, NAME, Printer, text, wide
from labctl.api.tables.text import NONE, UNKNOWN, age, joined, spec, status

_ROLE_PREFIX = "node-role.kubernetes.io/"
_ROLE_LABEL = "kubernetes.io/role"


def node_status(node: Obj) -> str:
    """The word in the STATUS column: Ready, NotReady, Unknown; with SchedulingDisabled."""
    word = _WORDS.get((condition(node, "Ready") or {}).get("status"), "NotReady")
    return f"{word},SchedulingDisabled" if spec(node).get("unschedulable") else word


_WORDS = {None: "Unknown", "True": "Ready"}


def _roles(node: Obj) -> str:
    roles = set()
    for key, value in labels(node).items():
        if key.startswith(_ROLE_PREFIX) and len(key) > len(_ROLE_PREFIX):
            roles.add(key.removeprefix(_ROLE_PREFIX))
        elif key == _ROLE_LABEL and value:
            roles.add(value)
    return joined(sorted(roles))


def _address(node: Obj, kind: str) -> str:
    addresses = status(node).get("addresses") or ()
    return next(
        (str(one.get("address") or NONE) for one in addresses if one.get("type") == kind), NONE
    )


def _node(node: Obj, now: float) -> list[Any]:
    info = status(node).get("nodeInfo") or {}
    return [
        name(node),
        node_status(node),
        _roles(node),
        age(node, now),
        info.get("kubeletVersion") or "",
        _address(node, "InternalIP"),
        _address(node, "ExternalIP"),
        info.get("osImage") or UNKNOWN,
        info.get("kernelVersion") or UNKNOWN,
        info.get("containerRuntimeVersion") or UNKNOWN,
    ]


def _lease(lease: Obj, now: float) -> list[Any]:
    return [name(lease), spec(lease).get("holderIdentity") or "", age(lease, now)]


PRINTERS = {
    NODES: Printer(
        (
            NAME,
            text("Status"),
            text("Roles"),
            AGE,
            text("Version"),
            wide("Internal-IP"),
            wide("External-IP"),
            wide("OS-Image"),
            wide("Kernel-Version"),
            wide("Container-Runtime"),
        ),
        _node,
    ),
    LEASES: Printer((NAME, text("Holder"), AGE), _lease),
}
