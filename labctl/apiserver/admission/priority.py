"""Priority: a pod's class says how much it matters; the scheduler goes by the number.

plugin/pkg/admission/priority. What a pod says itself must be what its class says.
"""

from labctl.api import status
from labctl.api.kinds.cluster import PRIORITYCLASSES
from labctl.api.kinds.core import PODS
from labctl.api.objects import Obj
from labctl.apiserver.admission import Circumstances

_PREEMPTS = "PreemptLowerPriority"
# The two classes that every cluster has; nothing of a user may be as high.
SYSTEM_CLASSES = {
    "system-cluster-critical": 2_000_000_000,
    "system-node-critical": 2_000_001_000,
}


def set_priority(circumstances: Circumstances, obj: Obj) -> Obj:
    """A new pod with the priority of its class; 403 where there is no such class."""
    if circumstances.resource is not PODS or circumstances.subresource:
        return obj
    if circumstances.operation != "CREATE":
        return obj
    spec = obj.get("spec") or {}
    found = _class_of(circumstances, obj, spec.get("priorityClassName") or "")
    value, preemption = found.get("value") or 0, found.get("preemptionPolicy") or _PREEMPTS
    _check(obj, "priority", spec.get("priority", value), value)
    _check(obj, "preemptionPolicy", spec.get("preemptionPolicy", preemption), preemption)
    own = {"priority": value, "preemptionPolicy": preemption}
    if found.get("metadata"):
        own["priorityClassName"] = found["metadata"]["name"]
    return {**obj, "spec": {**spec, **own}}


def _class_of(circumstances: Circumstances, obj: Obj, name: str) -> Obj:
    """The PriorityClass of that name, or the one for pods that name none; {} if there is none."""
    if not name:
        return _default_class(circumstances)
    entry = circumstances.cache.get(PRIORITYCLASSES, "", name)
    if entry is not None:
        return entry.object
    if name in SYSTEM_CLASSES:
        return {"metadata": {"name": name}, "value": SYSTEM_CLASSES[name]}
    why = f"no PriorityClass with name {name} was found"
    raise status.forbidden(PODS, obj["metadata"].get("name", ""), why)


def _default_class(circumstances: Circumstances) -> Obj:
    """The lowest of the classes that are for everybody, where several are by mistake."""
    classes = (entry.object for entry in circumstances.cache.entries(PRIORITYCLASSES))
    everybody = [one for one in classes if one.get("globalDefault")]
    return min(everybody, key=lambda one: one.get("value") or 0, default={})


def _check(obj: Obj, field: str, said: object, meant: object) -> None:
    if said != meant:
        why = (
            f"the {_WORDS[field]} value ({said}) must not be provided in pod spec; "
            f"priority admission controller computed {meant} from the given PriorityClass name"
        )
        raise status.forbidden(PODS, obj["metadata"].get("name", ""), why)


_WORDS = {"priority": "integer", "preemptionPolicy": "string"}
