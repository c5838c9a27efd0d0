"""Defaults of bindings of roles, priorities and autoscalers.

pkg/apis/rbac/v1/defaults.go, pkg/apis/scheduling/v1/defaults.go, pkg/apis/autoscaling/v2/defaults.go.
"""

from collections.abc import Callable

from labctl.api.defaults.fill import change, change_spec, each, fill
from labctl.api.kinds.autoscaling import HORIZONTALPODAUTOSCALERS
from labctl.api.kinds.cluster import PRIORITYCLASSES
from labctl.api.kinds.rbac import CLUSTERROLEBINDINGS, ROLEBINDINGS
from labctl.api.objects import Obj
from labctl.api.resource import Resource

_RBAC = "rbac.authorization.k8s.io"
_CPU_80 = {
    "type": "Resource",
    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}},
}


def _binding(obj: Obj) -> Obj:
    binding = change(obj, "roleRef", lambda role: fill(role, {"apiGroup": _RBAC}))
    return change(binding, "subjects", each(_subject))


def _subject(subject: Obj) -> Obj:
    if subject.get("kind") in ("User", "Group"):
        return fill(subject, {"apiGroup": _RBAC})
    return subject


def _priority(obj: Obj) -> Obj:
    return fill(obj, {"preemptionPolicy": "PreemptLowerPriority"})


def _autoscaler(obj: Obj) -> Obj:
    return change_spec(obj, lambda spec: fill(spec, {"minReplicas": 1, "metrics": [_CPU_80]}))


DEFAULTERS: dict[Resource, Callable[[Obj], Obj]] = {
    ROLEBINDINGS: _binding,
    CLUSTERROLEBINDINGS: _binding,
    PRIORITYCLASSES: _priority,
    HORIZONTALPODAUTOSCALERS: _autoscaler,
}
