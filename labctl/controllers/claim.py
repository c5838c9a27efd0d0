"""Whose pod is it: what a workload owns, takes on and lets go, by its selector and owner references.

The same for ReplicaSets, DaemonSets and StatefulSets (Kubernetes' controller_ref_manager.go).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from labctl.api.kinds.core import PODS
from labctl.api.objects import (
    Obj,
    controller_of,
    is_deleting,
    labels,
    name,
    namespace,
    owner_reference,
    uid,
)
from labctl.api.resource import Resource
from labctl.api.selectors import from_object
from labctl.controllers.controller import Desk
from labctl.controllers.writes import Patch, perform_each


@dataclass(frozen=True)
class Claim:
    """Which pods are the workload's, which it should take on, and which let go."""

    mine: tuple[Obj, ...]
    adopt: tuple[Obj, ...]
    release: tuple[Obj, ...]


def claim(
    owner: Obj, owned: Iterable[Obj], orphans: Iterable[Obj], counts: Callable[[Obj], bool]
) -> Claim:
    """Sorts the pods that it owns, and those that nobody owns, by its selector.

    Pods for which `counts` is False are left aside; what is being deleted takes on nothing.
    """
    selector = from_object(owner["spec"]["selector"])
    mine: list[Obj] = []
    release: list[Obj] = []
    for pod in owned:
        if counts(pod):
            (mine if selector.matches(labels(pod)) else release).append(pod)
    if is_deleting(owner):
        return Claim(tuple(mine), (), ())
    adopt = [pod for pod in orphans if counts(pod) and selector.matches(labels(pod))]
    return Claim(tuple(mine), tuple(adopt), tuple(release))


def owned_pod(owner: Obj, template: Obj) -> Obj:
    """A pod as the template says, owned by `owner`; the server completes its name."""
    given = template.get("metadata") or {}
    kept = {k: given[k] for k in ("labels", "annotations", "finalizers") if given.get(k)}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            **kept,
            "generateName": f"{name(owner)}-",
            "namespace": namespace(owner),
            "ownerReferences": [owner_reference(owner)],
        },
        "spec": template["spec"],
    }


def adoption(owner: Obj, pod: Obj) -> Obj:
    """The strategic merge patch that makes the pod the owner's; the UID guards against a pod of
    the same name.
    """
    return {"metadata": {"ownerReferences": [owner_reference(owner)], "uid": uid(pod)}}


def release(owner: Obj, pod: Obj) -> Obj:
    """The strategic merge patch that takes the owner's reference away."""
    gone = {"$patch": "delete", "uid": uid(owner)}
    return {"metadata": {"ownerReferences": [gone], "uid": uid(pod)}}


def owns(owner: Obj, obj: Obj) -> bool:
    reference = controller_of(obj)
    return reference is not None and reference["uid"] == uid(owner)


async def claimed_pods(
    desk: Desk, resource: Resource, owner: Obj, counts: Callable[[Obj], bool]
) -> tuple[Obj, ...]:
    """The owner's pods, after it has taken on and let go what it should. Raises StatusError."""
    found = claim(
        owner,
        desk.caches.pods_of(uid(owner)).values(),
        desk.caches.orphan_pods(namespace(owner)).values(),
        counts,
    )
    writes = [Patch(PODS, pod, release(owner, pod), type="strategic") for pod in found.release]
    if found.adopt and await _still_wants(desk, resource, owner):
        writes += [Patch(PODS, pod, adoption(owner, pod), type="strategic") for pod in found.adopt]
    await perform_each(desk.client, writes)
    return (*found.mine, *found.adopt)


async def _still_wants(desk: Desk, resource: Resource, owner: Obj) -> bool:
    """The cache may be late: nothing is adopted for one that is being deleted by now."""
    live = await desk.client.get(resource, name(owner), namespace(owner))
    return uid(live) == uid(owner) and not is_deleting(live)
