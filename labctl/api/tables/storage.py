"""The rows of volumes, claims and storage classes."""

from collections.abc import Iterable
from typing import Any

from labctl.api.kinds.cluster import (
    CSIDRIVERS,
    CSINODES,
    CSISTORAGECAPACITIES,
    STORAGECLASSES,
    VOLUMEATTACHMENTS,
)
from labctl.api.kinds.core import PERSISTENTVOLUMECLAIMS, PERSISTENTVOLUMES
from labctl.api.objects import Obj, annotations, is_deleting, name
from labctl.api.tables.columns import AGE, NAME, Printer, number, text, wide
from labctl.api.tables.text import UNSET, age, joined, spec, status

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


def _driver(obj: Obj, now: float) -> list[Any]:
    own = spec(obj)
    audiences = [str(one.get("audience", "")) for one in own.get("tokenRequests") or ()]
    return [
        name(obj),
        bool(own.get("attachRequired", True)),
        bool(own.get("podInfoOnMount")),
        bool(own.get("storageCapacity")),
        joined(audiences, UNSET),
        bool(own.get("requiresRepublish")),
        joined(own.get("volumeLifecycleModes") or ()),
        age(obj, now),
    ]


def _csi_node(obj: Obj, now: float) -> list[Any]:
    return [name(obj), len(spec(obj).get("drivers") or ()), age(obj, now)]


def _capacity(obj: Obj, now: float) -> list[Any]:
    del now
    return [name(obj), obj.get("storageClassName") or "", str(obj.get("capacity", UNSET))]


def _attachment(obj: Obj, now: float) -> list[Any]:
    volume = (spec(obj).get("source") or {}).get("persistentVolumeName") or ""
    attached = bool(status(obj).get("attached"))
    own = spec(obj)
    return [
        name(obj),
        own.get("attacher") or "",
        volume,
        own.get("nodeName") or "",
        attached,
        age(obj, now),
    ]


PRINTERS = {
    CSIDRIVERS: Printer(
        (
            NAME,
            text("AttachRequired"),
            text("PodInfoOnMount"),
            text("StorageCapacity"),
            text("TokenRequests"),
            text("RequiresRepublish"),
            text("Modes"),
            AGE,
        ),
        _driver,
    ),
    CSINODES: Printer((NAME, number("Drivers"), AGE), _csi_node),
    CSISTORAGECAPACITIES: Printer((NAME, text("StorageClassName"), text("Capacity")), _capacity),
    VOLUMEATTACHMENTS: Printer(
        (NAME, text("Attacher"), text("PV"), text("Node"), text("Attached"), AGE), _attachment
    ),
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
