"""A pod's quality-of-service class, from the resources of its containers."""

from collections.abc import Mapping

from labctl.api.objects import Obj
from labctl.node.pods.facts import containers_of, init_containers_of

_COUNTED = ("cpu", "memory")


def qos_class(pod: Obj) -> str:
    """Guaranteed: every container limits cpu and memory and requests no less. BestEffort: none
    says anything. Burstable: the rest (kubelet: GetPodQOS).
    """
    containers = [*init_containers_of(pod), *containers_of(pod)]
    resources = [one.get("resources") or {} for one in containers]
    if not any(_counted(one.get("requests")) or _counted(one.get("limits")) for one in resources):
        return "BestEffort"
    return "Guaranteed" if all(_is_guaranteed(one) for one in resources) else "Burstable"


def _counted(quantities: Mapping[str, object] | None) -> dict[str, object]:
    return {name: amount for name, amount in (quantities or {}).items() if name in _COUNTED}


def _is_guaranteed(resources: Obj) -> bool:
    limits = _counted(resources.get("limits"))
    requests = _counted(resources.get("requests"))
    return len(limits) == len(_COUNTED) and {**limits, **requests} == limits
