"""The rows of roles and their bindings, and of priorities and runtime classes."""

from typing import Any

from labctl.api.kinds.cluster import PRIORITYCLASSES, RUNTIMECLASSES
from labctl.api.kinds.rbac import CLUSTERROLEBINDINGS, CLUSTERROLES, ROLEBINDINGS, ROLES
from labctl.api.objects import Obj, name
from labctl.api.tables.columns import AGE, CREATED_AT, NAME, Printer, number, text, wide
from labctl.api.tables.text import age


def _role(obj: Obj, now: float) -> list[Any]:
    del now
    return [name(obj), (obj.get("metadata") or {}).get("creationTimestamp") or ""]


def _binding(obj: Obj, now: float) -> list[Any]:
    role = obj.get("roleRef") or {}
    subjects = obj.get("subjects") or ()
    return [
        name(obj),
        f"{role.get('kind')}/{role.get('name')}",
        age(obj, now),
        *(_subjects(subjects, kind) for kind in ("User", "Group", "ServiceAccount")),
    ]


def _subjects(subjects: Any, kind: str) -> str:
    return ", ".join(
        f"{one.get('namespace', '')}/{one['name']}" if kind == "ServiceAccount" else one["name"]
        for one in subjects
        if one.get("kind") == kind
    )


def _priority(obj: Obj, now: float) -> list[Any]:
    default = bool(obj.get("globalDefault"))
    policy = obj.get("preemptionPolicy") or ""
    return [name(obj), obj.get("value") or 0, default, age(obj, now), policy]


def _runtime(obj: Obj, now: float) -> list[Any]:
    return [name(obj), obj.get("handler") or "", age(obj, now)]


_BINDING = (NAME, text("Role"), AGE, wide("Users"), wide("Groups"), wide("ServiceAccounts"))

PRINTERS = {
    ROLES: Printer((NAME, CREATED_AT), _role),
    CLUSTERROLES: Printer((NAME, CREATED_AT), _role),
    ROLEBINDINGS: Printer(_BINDING, _binding),
    CLUSTERROLEBINDINGS: Printer(_BINDING, _binding),
    PRIORITYCLASSES: Printer(
        (NAME, number("Value"), text("Global-Default"), AGE, text("PreemptionPolicy")), _priority
    ),
    RUNTIMECLASSES: Printer((NAME, text("Handler"), AGE), _runtime),
}
