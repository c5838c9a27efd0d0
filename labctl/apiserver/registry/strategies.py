"""What differs from kind to kind when an object is written: who owns status, what counts as a change
of the specification, and what the server fills in. As the strategies of kube-apiserver's registry.
"""

from collections.abc import Callable
from dataclasses import dataclass

from labctl.api.custom.names import new_status
from labctl.api.kinds.apiextensions import CUSTOMRESOURCEDEFINITIONS
from labctl.api.kinds.apps import DEPLOYMENTS
from labctl.api.kinds.cluster import CSIDRIVERS, CSINODES, RUNTIMECLASSES, VOLUMEATTACHMENTS
from labctl.api.kinds.coordination import LEASES
from labctl.api.kinds.core import (
    ENDPOINTS,
    EVENTS,
    LIMITRANGES,
    NAMESPACES,
    NODES,
    PERSISTENTVOLUMECLAIMS,
    PERSISTENTVOLUMES,
    PODS,
    SECRETS,
    SERVICES,
)
from labctl.api.kinds.policy import PODDISRUPTIONBUDGETS
from labctl.api.objects import Obj
from labctl.api.resource import Resource
from labctl.apiserver.registry import pods, secrets
from labctl.apiserver.registry.initial_status import empty_status

_GENERATION_GROUPS = frozenset(
    {
        "admissionregistration.k8s.io",
        "apiextensions.k8s.io",
        "apps",
        "batch",
        "discovery.k8s.io",
        "flowcontrol.apiserver.k8s.io",
        "networking.k8s.io",
        "policy",
        "scheduling.k8s.io",
    }
)
_EVENT_SECONDS = 3600.0


def _unchanged(obj: Obj) -> Obj:
    return obj


@dataclass(frozen=True)
class Strategy:
    """How one kind is written."""

    resource: Resource
    initial_status: Callable[[Obj], Obj] | None = None
    """Makes the status of a new object; None leaves it empty where status is a subresource."""
    keeps_status: bool = False
    """Whether a new object may bring its status along (nodes register with theirs)."""
    completed: Callable[[Obj], Obj] = _unchanged
    """Fills in what the server adds to a new or changed object."""
    carried: tuple[str, ...] = ()
    """Members that an update leaves as they are; they are written some other way."""
    create_on_update: bool = False
    """Whether PUT makes an object that does not exist."""
    annotations_count: bool = False
    """Whether a change of annotations raises the generation (Deployments: revision and the like)."""
    returns_deleted: bool = False
    """Whether DELETE answers with the object and not with a Status."""
    ttl: float = 0
    """Seconds after which an object that is not written again goes by itself."""
    versioned: bool = False
    """Whether PUT must name the version that it replaces."""

    @property
    def has_generation(self) -> bool:
        custom = self.resource.custom is not None
        return custom or self.resource.group in _GENERATION_GROUPS or self.resource is PODS

    @property
    def demands_version(self) -> bool:
        """Custom resources do, as some of Kubernetes' own kinds."""
        return self.versioned or self.resource.custom is not None

    @property
    def reset(self) -> tuple[str, ...]:
        """Members that a write of the object itself cannot change."""
        return (*self.carried, "status") if self.resource.has_status else self.carried

    def new(self, obj: Obj) -> Obj:
        """An object about to be created, with the status that it begins with."""
        if self.initial_status is not None:
            return {**obj, "status": self.initial_status(obj)}
        if self.resource.has_status and not self.keeps_status:
            return with_member(obj, "status", empty_status(self.resource))
        return obj

    def changed(self, new: Obj, old: Obj) -> Obj:
        """An object about to replace `old`: its status stays, its generation tells of a change."""
        for field in self.reset:
            new = with_member(new, field, old.get(field))
        if self.has_generation and self._differs(new, old):
            generation = old["metadata"].get("generation", 0) + 1
            new = {**new, "metadata": {**new["metadata"], "generation": generation}}
        return new

    def with_status(self, new: Obj, old: Obj) -> Obj:
        """`old` with the status of `new`: all that a write of the subresource may change.

        A Deployment's annotations too (deploymentStatusStrategy): its controller notes the revision
        there, which is no change of the specification.
        """
        written = with_member(old, "status", new.get("status"))
        if not self.annotations_count:
            return written
        noted = new["metadata"].get("annotations")
        return {**written, "metadata": with_member(old["metadata"], "annotations", noted)}

    def _differs(self, new: Obj, old: Obj) -> bool:
        # A custom status that is no subresource is a field like any other.
        apart = self.resource.has_status or self.resource.custom is None
        beside = frozenset({"metadata", "status"} if apart else {"metadata"})
        if _without(new, beside) != _without(old, beside):
            return True
        return self.annotations_count and new["metadata"].get("annotations") != old["metadata"].get(
            "annotations"
        )


def with_member(obj: Obj, field: str, value: object) -> Obj:
    """The object with a member set, or without it if the value is None."""
    if value is not None:
        return {**obj, field: value}
    return {name: member for name, member in obj.items() if name != field}


def _without(obj: Obj, members: frozenset[str]) -> Obj:
    return {name: member for name, member in obj.items() if name not in members}


def _active_namespace(_: Obj) -> Obj:
    return {"phase": "Active"}


def _completed_namespace(namespace: Obj) -> Obj:
    """Labelled with its own name, and held by its finalizer until its contents are gone."""
    metadata = namespace["metadata"]
    labels = {**(metadata.get("labels") or {}), "kubernetes.io/metadata.name": metadata["name"]}
    spec = {"finalizers": ["kubernetes"]}
    return {**namespace, "metadata": {**metadata, "labels": labels}, "spec": spec}


def _pending(_: Obj) -> Obj:
    return {"phase": "Pending"}


_SPECIAL = {
    strategy.resource: strategy
    for strategy in (
        Strategy(PODS, initial_status=pods.initial_status, returns_deleted=True),
        Strategy(
            NAMESPACES,
            initial_status=_active_namespace,
            completed=_completed_namespace,
            carried=("spec",),  # finalizers go by the subresource finalize
            returns_deleted=True,
        ),
        Strategy(NODES, keeps_status=True),
        Strategy(PERSISTENTVOLUMES, initial_status=_pending),
        Strategy(PERSISTENTVOLUMECLAIMS, initial_status=_pending),
        Strategy(SECRETS, completed=secrets.with_encoded_strings),
        Strategy(SERVICES, returns_deleted=True),
        Strategy(DEPLOYMENTS, annotations_count=True),
        Strategy(EVENTS, create_on_update=True, ttl=_EVENT_SECONDS),
        Strategy(LEASES, create_on_update=True, versioned=True),
        Strategy(ENDPOINTS, create_on_update=True),
        Strategy(LIMITRANGES, create_on_update=True),
        Strategy(CUSTOMRESOURCEDEFINITIONS, initial_status=new_status, versioned=True),
        Strategy(RUNTIMECLASSES, create_on_update=True, versioned=True),
        *(
            Strategy(resource, versioned=True)
            for resource in (PODDISRUPTIONBUDGETS, CSIDRIVERS, CSINODES, VOLUMEATTACHMENTS)
        ),
    )
}


def strategy_of(resource: Resource) -> Strategy:
    return _SPECIAL.get(resource) or Strategy(resource)
