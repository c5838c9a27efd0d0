"""The volume with an account's token, the lab's authority and the pod's namespace, in each container.

What a client library looks for when it runs in a pod. A pod or its account says with
automountServiceAccountToken whether it is wanted; a container that mounts something there itself is
left alone.
"""

import random
from typing import Any

from labctl.api.objects import Obj

MOUNT_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"
ROOT_CA = "kube-root-ca.crt"  # the ConfigMap in every namespace

WANTED_BY_DEFAULT = False
"""What holds for a pod if neither it nor its account says anything; in Kubernetes it is True.

A token, a ConfigMap and their files cost a pod 5 ms of CPU, nearly as much as all the rest of it, and
most containers of a lab are stand-ins that read no file.
"""

_PREFIX = "kube-api-access-"
_TOKEN_SECONDS = 3607  # an hour, told apart from the hours that people ask for
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
_NAMESPACE = {"apiVersion": "v1", "fieldPath": "metadata.namespace"}
_PROJECTED: Obj = {
    "defaultMode": 0o644,
    "sources": [
        {"serviceAccountToken": {"expirationSeconds": _TOKEN_SECONDS, "path": "token"}},
        {"configMap": {"name": ROOT_CA, "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": _NAMESPACE}]}},
    ],
}


def with_token_volume(spec: Obj, account: Obj) -> Obj:
    """A pod's spec with the volume, and with it mounted wherever nothing else is."""
    if not _is_wanted(spec, account):
        return spec
    kinds = [kind for kind in ("initContainers", "containers") if spec.get(kind)]
    if all(_mounts_something(container) for kind in kinds for container in spec[kind]):
        return spec
    volumes: list[Any] = spec.get("volumes") or []
    volume = next((one["name"] for one in volumes if _is_token_volume(one)), "")
    given = dict(spec)
    if not volume:
        volume = _PREFIX + "".join(random.choices(_ALPHABET, k=5))  # noqa: S311 - only a name
        given["volumes"] = [*volumes, {"name": volume, "projected": _PROJECTED}]
    mount = {"name": volume, "readOnly": True, "mountPath": MOUNT_PATH}
    for kind in kinds:
        given[kind] = [_mounting(container, mount) for container in spec[kind]]
    return given


def _is_wanted(spec: Obj, account: Obj) -> bool:
    wish = spec.get("automountServiceAccountToken")
    if wish is None:
        wish = account.get("automountServiceAccountToken")
    return WANTED_BY_DEFAULT if wish is None else bool(wish)


def _is_token_volume(volume: Obj) -> bool:
    return str(volume.get("name", "")).startswith(_PREFIX)


def _mounts_something(container: Obj) -> bool:
    mounts = container.get("volumeMounts") or ()
    return any(mount.get("mountPath") == MOUNT_PATH for mount in mounts)


def _mounting(container: Obj, mount: Obj) -> Obj:
    if _mounts_something(container):
        return container
    return {**container, "volumeMounts": [*(container.get("volumeMounts") or ()), mount]}
