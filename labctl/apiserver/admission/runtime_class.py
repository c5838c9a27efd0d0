"""RuntimeClass: a pod's class must be there, and says what it costs and where it can run.

plugin/pkg/admission/runtimeclass.
"""

from collections.abc import Mapping

from labctl.api import status
from labctl.api.kinds.cluster import RUNTIMECLASSES
from labctl.api.kinds.core import PODS
from labctl.api.objects import Obj
from labctl.api.quantity import Quantity
from labctl.apiserver.admission import Circumstances
from labctl.errors import StatusError


def apply_runtime_class(circumstances: Circumstances, obj: Obj) -> Obj:
    """A new pod with overhead, node selector and tolerations of its class; 403 without the class."""
    if circumstances.resource is not PODS or circumstances.subresource:
        return obj
    if circumstances.operation != "CREATE":
        return obj
    spec = obj.get("spec") or {}
    if not spec.get("runtimeClassName") and not spec.get("overhead"):
        return obj
    found = _class_of(circumstances, obj, spec.get("runtimeClassName") or "")
    own = {**_overhead(obj, spec, found), **_scheduling(obj, spec, found)}
    return {**obj, "spec": {**spec, **own}}


def _class_of(circumstances: Circumstances, obj: Obj, name: str) -> Obj:
    entry = circumstances.cache.get(RUNTIMECLASSES, "", name) if name else None
    if name and entry is None:
        raise _rejected(obj, f'pod rejected: RuntimeClass "{name}" not found')
    return entry.object if entry is not None else {}


def _overhead(obj: Obj, spec: Obj, found: Obj) -> Obj:
    """What the class says; a pod must not say anything else itself."""
    said = spec.get("overhead") or {}
    meant = (found.get("overhead") or {}).get("podFixed")
    if meant is None:
        if said:
            why = (
                "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead"
            )
            raise _rejected(obj, why)
        return {}
    if said and _amounts(said) != _amounts(meant):
        why = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead"
        raise _rejected(obj, why)
    return {"overhead": meant}


def _amounts(resources: Mapping[str, object]) -> dict[str, Quantity]:
    return {name: Quantity.of(str(text)) for name, text in resources.items()}


def _scheduling(obj: Obj, spec: Obj, found: Obj) -> Obj:
    scheduling = found.get("scheduling") or {}
    selector, wanted = spec.get("nodeSelector") or {}, scheduling.get("nodeSelector") or {}
    for key, value in wanted.items():
        if selector.get(key, value) != value:
            ours = f"runtimeClass.scheduling.nodeSelector[{key}] = {value}"
            theirs = f"pod.spec.nodeSelector[{key}] = {selector[key]}"
            raise _rejected(obj, f"conflict: {ours}; {theirs}")
    own: Obj = {"nodeSelector": {**selector, **wanted}} if wanted else {}
    tolerations, more = spec.get("tolerations") or [], scheduling.get("tolerations") or []
    added = [one for one in more if one not in tolerations]
    return {**own, "tolerations": [*tolerations, *added]} if added else own


def _rejected(obj: Obj, why: str) -> StatusError:
    return status.forbidden(PODS, (obj.get("metadata") or {}).get("name", ""), why)
