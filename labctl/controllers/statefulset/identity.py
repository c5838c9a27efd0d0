"""What makes a pod of a StatefulSet itself: ordinal, name, host name, and its volumes.

Kubernetes' stateful_set_utils.go.
"""

import re

from labctl.api.kinds.core import PERSISTENTVOLUMECLAIMS
from labctl.api.objects import Obj, name, namespace
from labctl.controllers.claim import owned_pod
from labctl.controllers.revisions import HASH_LABEL, hash_of, template_of

_POD_NAME = "statefulset.kubernetes.io/pod-name"
_POD_INDEX = "apps.kubernetes.io/pod-index"
_ORDINAL = re.compile(r"(.+)-([0-9]+)")


def ordinal(statefulset: Obj, pod: Obj) -> int:
    """The number of a pod in the set, -1 for a name that is none of its."""
    match = _ORDINAL.fullmatch(name(pod))
    return int(match[2]) if match and match[1] == name(statefulset) else -1


def new_pod(statefulset: Obj, revision: Obj, number: int) -> Obj:
    """The pod with that ordinal, by the template of a revision."""
    pod = owned_pod(statefulset, template_of(statefulset, revision))
    full = f"{name(statefulset)}-{number}"
    marks = {
        **(pod["metadata"].get("labels") or {}),
        HASH_LABEL: hash_of(revision),
        _POD_NAME: full,
        _POD_INDEX: str(number),
    }
    metadata = {k: v for k, v in pod["metadata"].items() if k != "generateName"}
    spec = {**pod["spec"], "hostname": full}
    if statefulset["spec"].get("serviceName"):
        spec["subdomain"] = statefulset["spec"]["serviceName"]
    volumes = _volumes(statefulset, full, spec)
    if volumes:
        spec["volumes"] = volumes
    return {**pod, "metadata": {**metadata, "name": full, "labels": marks}, "spec": spec}


def claims(statefulset: Obj, pod: str) -> list[Obj]:
    """The PersistentVolumeClaims that a pod of that name needs; they outlive it."""
    selector = statefulset["spec"]["selector"].get("matchLabels") or {}
    return [
        {
            "apiVersion": PERSISTENTVOLUMECLAIMS.api_version,
            "kind": PERSISTENTVOLUMECLAIMS.kind,
            "metadata": {
                **{k: v for k, v in template["metadata"].items() if k == "annotations"},
                "name": _claim_name(template, pod),
                "namespace": namespace(statefulset),
                "labels": {**(template["metadata"].get("labels") or {}), **selector},
            },
            "spec": template["spec"],
        }
        for template in _claim_templates(statefulset)
    ]


def _volumes(statefulset: Obj, pod: str, spec: Obj) -> list[Obj]:
    """A claim's volume takes the place of one of the same name."""
    own = [
        {
            "name": name(template),
            "persistentVolumeClaim": {"claimName": _claim_name(template, pod)},
        }
        for template in _claim_templates(statefulset)
    ]
    taken = {one["name"] for one in own}
    return [*own, *(one for one in spec.get("volumes") or () if one["name"] not in taken)]


def _claim_templates(statefulset: Obj) -> list[Obj]:
    return statefulset["spec"].get("volumeClaimTemplates") or []


def _claim_name(template: Obj, pod: str) -> str:
    return f"{name(template)}-{pod}"
