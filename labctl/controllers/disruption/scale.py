"""How many pods the controllers of some pods ask for, all together."""

from collections.abc import Iterable
from typing import Final

from labctl.api.kinds.apps import DEPLOYMENTS, REPLICASETS, STATEFULSETS
from labctl.api.kinds.core import REPLICATIONCONTROLLERS
from labctl.api.objects import Obj, controller_of, name, namespace, uid
from labctl.api.resource import Resource
from labctl.api.resources import by_kind
from labctl.controllers.caches import Caches
from labctl.errors import LabError

_SCALABLE: Final = (DEPLOYMENTS, REPLICASETS, STATEFULSETS, REPLICATIONCONTROLLERS)


class NoScale(LabError):
    """A pod's controller does not say how many pods it wants."""


class Scales:
    """Follows pods to their controllers, and ReplicaSets to their Deployments."""

    def __init__(self, caches: Caches) -> None:
        self._caches = {resource: caches.of(resource) for resource in _SCALABLE}

    def total(self, pods: Iterable[Obj]) -> int:
        """The sum over all controllers of the pods; raises NoScale. Pods without one count not."""
        tops = [self._top(pod, owner) for pod in pods if (owner := controller_of(pod)) is not None]
        return sum({uid(top): _replicas(top) for top in tops}.values())

    def _top(self, pod: Obj, owner: Obj) -> Obj:
        controller = self._find(owner, namespace(pod))
        if controller is None:
            raise NoScale(_sentence(pod, owner))
        above = controller_of(controller)
        deployment = self._find(above, namespace(pod)) if above is not None else None
        return deployment or controller

    def _find(self, owner: Obj, space: str) -> Obj | None:
        resource = by_kind(owner["apiVersion"], owner["kind"])
        cache = self._caches.get(resource) if resource is not None else None
        found = cache.get(space, owner["name"]) if cache is not None else None
        return found if found is not None and uid(found) == owner["uid"] else None


def _replicas(controller: Obj) -> int:
    return int((controller.get("spec") or {}).get("replicas", 1))


def _sentence(pod: Obj, owner: Obj) -> str:
    resource: Resource | None = by_kind(owner["apiVersion"], owner["kind"])
    if resource is not None and resource not in _SCALABLE:
        return f"{resource.qualified} does not implement the scale subresource"
    return f'found no controllers for pod "{name(pod)}"'
