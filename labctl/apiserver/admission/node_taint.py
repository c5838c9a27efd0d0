"""TaintNodesByCondition: a new node takes no pods until the control plane has seen it Ready."""

from labctl.api.kinds.core import NODES
from labctl.api.objects import Obj
from labctl.apiserver.admission import Circumstances
from labctl.apiserver.admission.tolerations import NOT_READY

_TAINT = {"key": NOT_READY, "effect": "NoSchedule"}


def taint_new_node(circumstances: Circumstances, obj: Obj) -> Obj:
    """Adds not-ready:NoSchedule to a node that is created; node lifecycle takes it off."""
    if circumstances.resource is not NODES or circumstances.operation != "CREATE":
        return obj
    spec = obj.get("spec") or {}
    taints = spec.get("taints") or []
    if any(_is_same(taint) for taint in taints):
        return obj
    return {**obj, "spec": {**spec, "taints": [*taints, dict(_TAINT)]}}


def _is_same(taint: Obj) -> bool:
    return all(taint.get(field) == value for field, value in _TAINT.items())
