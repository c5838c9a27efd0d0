"""Defaults of volumes and their claims and classes (pkg/apis/core/v1, pkg/apis/storage/v1)."""

from collections.abc import Callable

from labctl.api.defaults.fill import change_spec, fill
from labctl.api.kinds.cluster import STORAGECLASSES
from labctl.api.kinds.core import PERSISTENTVOLUMECLAIMS, PERSISTENTVOLUMES
from labctl.api.objects import Obj
from labctl.api.resource import Resource


def set_claim(obj: Obj) -> Obj:
    claim = change_spec(obj, lambda spec: fill(spec, {"volumeMode": "Filesystem"}))
    return _pending(claim)


def _volume(obj: Obj) -> Obj:
    defaults = {"persistentVolumeReclaimPolicy": "Retain", "volumeMode": "Filesystem"}
    return _pending(change_spec(obj, lambda spec: fill(spec, defaults)))


def _pending(obj: Obj) -> Obj:
    return {**obj, "status": fill(obj.get("status") or {}, {"phase": "Pending"})}


def _class(obj: Obj) -> Obj:
    return fill(obj, {"reclaimPolicy": "Delete", "volumeBindingMode": "Immediate"})


DEFAULTERS: dict[Resource, Callable[[Obj], Obj]] = {
    PERSISTENTVOLUMES: _volume,
    PERSISTENTVOLUMECLAIMS: set_claim,
    STORAGECLASSES: _class,
}
