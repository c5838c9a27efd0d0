"""Fields of the lesser kinds that stay as they were made (pkg/apis/*/validation: …Update)."""

from collections.abc import Iterator, Mapping
from typing import Any

from labctl.api import causes
from labctl.api.causes import Cause
from labctl.api.kinds import apps, cluster, core, networking
from labctl.api.objects import Obj
from labctl.api.resource import Resource
from labctl.api.validation import terms

_IMMUTABLE: Mapping[Resource, tuple[str, ...]] = {
    apps.CONTROLLERREVISIONS: ("data",),
    cluster.PRIORITYCLASSES: ("preemptionPolicy",),
    cluster.RUNTIMECLASSES: ("handler",),
    cluster.STORAGECLASSES: ("volumeBindingMode",),
    cluster.VOLUMEATTACHMENTS: ("spec",),
    core.PERSISTENTVOLUMES: ("spec.volumeMode",),
    networking.ENDPOINTSLICES: ("addressType",),
    networking.INGRESSCLASSES: ("spec.controller",),
}
_FORBIDDEN: Mapping[Resource, Mapping[str, str]] = {
    cluster.PRIORITYCLASSES: {"value": "may not be changed in an update."},
    cluster.STORAGECLASSES: {
        field: f"updates to {field} are forbidden."
        for field in ("parameters", "provisioner", "reclaimPolicy")
    },
}
_OF_CLAIMS = ("accessModes", "selector", "volumeMode", "dataSource", "dataSourceRef")


def check_immutable(resource: Resource, new: Obj, old: Obj) -> Iterator[Cause]:
    for path in _IMMUTABLE.get(resource, ()):
        yield from terms.unchanged(_at(new, path), _at(old, path), path)
    for field, sentence in _FORBIDDEN.get(resource, {}).items():
        if new.get(field) != old.get(field):
            yield causes.forbidden(field, sentence)


def check_claim_update(new: Obj, old: Obj) -> Iterator[Cause]:
    after, before = new.get("spec") or {}, old.get("spec") or {}
    changed = any(after.get(field) != before.get(field) for field in _OF_CLAIMS)
    moved = before.get("storageClassName") not in {None, after.get("storageClassName")}
    if changed or moved:
        sentence = (
            "spec is immutable after creation except resources.requests and "
            "volumeAttributesClassName for bound claims"
        )
        yield causes.forbidden("spec", sentence)


def _at(obj: Obj, path: str) -> Any:
    value: Any = obj
    for step in path.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return value
