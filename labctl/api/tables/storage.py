"""The rows of volumes, claims and storage classes."""

from collections.abc import Iterable
from typing import Any

from labctl.api.kinds.cluster import STORAGECLASSES
from labctl.api.kinds.core import PERSISTENTVOLUMECLAIMS, PERSISTENTVOLUMES
from labctl.api.objects import Obj, annotations, is_deleting, name
from labctl.api.tables.columns import AGE, NAME, Printer, text, wide
from labctl.api.tables.text import UNSET, age, spec, status

_MODES = {
    "ReadWriteOnce": "RWO",
    "ReadOnlyMany": "ROX",
    "ReadWriteMany": "RWX",
    "ReadWriteOncePod": "RWOP",
}
_DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"


def _modes(modes: Iterable[str] | None) -> str:
    return ",".join(_MODES.get(mode, mode) for mode in modes or ())


def _phase(obj: Obj) -> str:
    return "Terminating" if is_deleting(obj) else status(obj).get("phase") or ""


def _volume(obj: Obj, now: float) -> list[Any]:
    own = spec(obj)
    claim = own.get("claimRef") or {}
    return [
        name(obj),
        str((own.get("capacity") or {}).get("storage", "")),
        _modes(own.get("accessModes")),
        own.get("persistentVolumeReclaimPolicy") or "",
        _phase(obj),
        f"{claim.get('namespace')}/{claim.get('name')}" if claim else "",
        own.get("storageClassName") or "",
        own.get("volumeAttributesClassName") or UNSET,
        status(obj).get("reason") or "",
        age(obj, now),
        own.get("volumeMode") or UNSET,
    ]


def _claim(obj: Obj, now: float) -> list[Any]:
    own, bound = spec(obj), bool(spec(obj).get("volumeName"))
    state = status(obj) if bound else {}
    return [
        name(obj),
        _phase(obj),
        own.get("volumeName") or "",
        str((state.get("capacity") or {}).get("storage", "")),
        _modes(state.get("accessModes")),
        own.get("storageClassName") or "",
        own.get("volumeAttributesClassName") or UNSET,
        age(obj, now),
        own.get("volumeMode") or UNSET,
    ]


def _class(obj: Obj, now: float) -> list[Any]:
    default = " (default)" if annotations(obj).get(_DEFAULT_CLASS) == "true" else ""
    return [
        name(obj) + default,
        obj.get("provisioner") or "",
        obj.get("reclaimPolicy") or "Delete",
        obj.get("volumeBindingMode") or "Immediate",
        bool(obj.get("allowVolumeExpansion")),
        age(obj, now),
    ]


PRINTERS = {
    PERSISTENTVOLUMES: Printer(
        (
            NAME,
            text("Capacity"),
            text("Access Modes"),
            text("Reclaim Policy"),
            text("Status"),
            text("Claim"),
            text("StorageClass"),
            text("VolumeAttributesClass"),
            text("Reason"),
            AGE,
            wide("VolumeMode"),
        ),
        _volume,
    ),
    PERSISTENTVOLUMECLAIMS: Printer(
        (
            NAME,
            text("Status"),
            text("Volume"),
            text("Capacity"),
            text("Access Modes"),
            text("StorageClass"),
            text("VolumeAttributesClass"),
            AGE,
            wide("VolumeMode"),
        ),
        _claim,
    ),
    STORAGECLASSES: Printer(
        (
            NAME,
            text("Provisioner"),
            text("ReclaimPolicy"),
            text("VolumeBindingMode"),
            text("AllowVolumeExpansion"),
            AGE,
        ),
        _class,
    ),
}
