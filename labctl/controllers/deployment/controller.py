"""The Deployment controller's shell: whom a change concerns, the writes, and the Events."""

import logging
import time
from typing import Final

from labctl.api.kinds.apps import DEPLOYMENTS, REPLICASETS
from labctl.api.kinds.core import PODS
from labctl.api.objects import (
    Obj,
    annotations,
    controller_of,
    is_deleting,
    key,
    labels,
    name,
    namespace,
    owner_reference,
    uid,
)
from labctl.api.selectors import from_object
from labctl.client.index import Index
from labctl.client.reconciler import Reconciler
from labctl.controllers.controller import Desk
from labctl.controllers.deployment import status
from labctl.controllers.deployment.annotations import REVISION
from labctl.controllers.deployment.plan import Change, Plan, is_same, plan
from labctl.controllers.pods import is_finished
from labctl.controllers.writes import (
    Delete,
    Patch,
    Write,
    perform,
    perform_all,
    perform_each,
    status_patch,
)
from labctl.errors import StatusError

_WORKERS: Final = 5

_log = logging.getLogger(__name__)


class DeploymentController:
    """Leads each Deployment's ReplicaSets from one template to the next."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._client = desk.client
        self._deployments = desk.caches.of(DEPLOYMENTS)
        self._replicasets = desk.caches.of(REPLICASETS)
        self._by_owner = Index(self._replicasets, _owner_or_orphan)
        self._reconciler = Reconciler("deployment", self._reconcile, _WORKERS)
        self._deployments.subscribe(self._deployment_changed)
        self._replicasets.subscribe(self._replicaset_changed)
        desk.caches.of(PODS).subscribe(self._pod_changed)

    async def run(self) -> None:
        await self._desk.caches.synced()
        await self._reconciler.run()

    def _deployment_changed(self, old: Obj | None, new: Obj | None) -> None:
        self._reconciler.mark(key(new or old or {}))

    def _replicaset_changed(self, old: Obj | None, new: Obj | None) -> None:
        for one in (old, new):
            owner = controller_of(one) if one is not None else None
            if one is not None and owner is not None and owner["kind"] == "Deployment":
                self._reconciler.mark(f"{namespace(one)}/{owner['name']}")
        if new is not None and controller_of(new) is None:
            for deployment in self._deployments.objects.values():
                if namespace(deployment) == namespace(new) and _selects(deployment, new):
                    self._reconciler.mark(key(deployment))

    def _pod_changed(self, old: Obj | None, new: Obj | None) -> None:
        """Only Recreate looks at pods, and only at their end."""
        if old is None or (new is not None and not is_finished(new)):
            return
        owner = controller_of(old)
        if owner is not None and owner["kind"] == "ReplicaSet":
            replicaset = self._replicasets.get(namespace(old), owner["name"])
            self._replicaset_changed(None, replicaset)

    async def _reconcile(self, at: str) -> float | None:
        deployment = self._deployments.objects.get(at)
        if deployment is None:
            return None
        family = await self._claim(deployment)
        decided = plan(
            deployment,
            family,
            old_pods_run=self._old_pods_run(deployment, family),
            now=time.time(),
        )
        if decided.create is not None and not await self._create(deployment, decided.create):
            return None
        await self._carry_out(deployment, decided)
        return decided.look_again

    async def _claim(self, deployment: Obj) -> list[Obj]:
        """Its ReplicaSets: adopts orphans that it selects, lets go of those that it does not."""
        owned = list(self._by_owner.get(uid(deployment)).values())
        mine = [one for one in owned if _selects(deployment, one)]
        if is_deleting(deployment):
            return mine
        gone = {"$patch": "delete", "uid": uid(deployment)}
        writes = [_reference(one, gone) for one in owned if not _selects(deployment, one)]
        orphans = self._by_owner.get(_orphans(namespace(deployment))).values()
        adopted = [one for one in orphans if _selects(deployment, one) and not is_deleting(one)]
        if adopted and await self._still_wants(deployment):
            writes += [_reference(one, owner_reference(deployment)) for one in adopted]
        await perform_each(self._client, writes)
        return mine + adopted

    async def _still_wants(self, deployment: Obj) -> bool:
        live = await self._client.get(DEPLOYMENTS, name(deployment), namespace(deployment))
        return uid(live) == uid(deployment) and not is_deleting(live)

    def _old_pods_run(self, deployment: Obj, family: list[Obj]) -> bool:
        old = [one for one in family if not is_same(deployment, one)]
        pods = (self._desk.caches.pods_of(uid(one)).values() for one in old)
        return any(not is_finished(pod) for group in pods for pod in group)

    async def _create(self, deployment: Obj, replicaset: Obj) -> bool:
        """Makes the new ReplicaSet; False when the next pass must do better."""
        try:
            await self._client.create(REPLICASETS, replicaset)
        except StatusError as error:
            if error.reason == "AlreadyExists":
                return await self._meet(deployment, replicaset)
            await self._creation_failed(deployment, replicaset, error)
            raise
        self._tell_scaled(deployment, replicaset, 0, replicaset["spec"]["replicas"])
        return True

    async def _meet(self, deployment: Obj, replicaset: Obj) -> bool:
        """The name is taken: by ours, which the cache has not shown, or by a hash collision."""
        found = await self._client.get(REPLICASETS, name(replicaset), namespace(replicaset))
        owner = controller_of(found)
        if owner and owner["uid"] == uid(deployment) and is_same(deployment, found):
            return True
        collisions = (deployment.get("status") or {}).get("collisionCount", 0) + 1
        _log.info("hash collision of %s: %s is taken", key(deployment), key(found))
        patch = {"status": {"collisionCount": collisions}}
        await perform(self._client, Patch(DEPLOYMENTS, deployment, patch, "status"))
        return False

    async def _creation_failed(self, deployment: Obj, replicaset: Obj, error: StatusError) -> None:
        told = status.progress("ReplicaSetCreateError", f'"{name(replicaset)}"', time.time())
        told["message"] += f": {error}"
        self._tell(deployment, "Warning", told["reason"], told["message"])
        if status.has_deadline(deployment):
            old = deployment.get("status") or {}
            conditions = status.put(old.get("conditions") or [], told)
            patch = {"status": {"conditions": conditions}}
            await perform(self._client, Patch(DEPLOYMENTS, deployment, patch, "status"))

    async def _carry_out(self, deployment: Obj, decided: Plan) -> None:
        writes: list[Write] = [
            Patch(REPLICASETS, change.member.obj, change.patch) for change in decided.changes
        ]
        writes += [Delete(REPLICASETS, one) for one in decided.delete]
        patch = _news(deployment, decided)
        if patch:
            writes.append(Patch(DEPLOYMENTS, deployment, patch, "status"))
        answers = await perform_all(self._client, writes)
        for change, answer in zip(decided.changes, answers, strict=False):
            self._tell_change(deployment, change, answer)
        for answer in answers:
            if isinstance(answer, Exception):
                raise answer

    def _tell_change(self, deployment: Obj, change: Change, answer: Obj | Exception) -> None:
        if change.replicas is not None and not isinstance(answer, Exception):
            before, after = change.member.replicas, change.replicas
            self._tell_scaled(deployment, change.member.obj, before, after)

    def _tell_scaled(self, deployment: Obj, replicaset: Obj, before: int, after: int) -> None:
        if before != after:
            way = "up" if after > before else "down"
            text = f"Scaled {way} replica set {name(replicaset)} from {before} to {after}"
            self._tell(deployment, "Normal", "ScalingReplicaSet", text)

    def _tell(self, deployment: Obj, type_: str, reason: str, message: str) -> None:
        self._desk.recorder.event(deployment, type_, reason, message)


def _news(deployment: Obj, decided: Plan) -> Obj:
    """The patch of status and revision; empty if there is nothing new.

    Both go by the status subresource, since the revision is no change of the specification.
    """
    patch: Obj = {}
    old = deployment.get("status") or {}
    if decided.status != old:
        patch |= status_patch(old, decided.status)
    if decided.revision and annotations(deployment).get(REVISION) != decided.revision:
        patch["metadata"] = {"annotations": {REVISION: decided.revision}}
    return patch


def _owner_or_orphan(replicaset: Obj) -> tuple[str, ...]:
    owner = controller_of(replicaset)
    return (owner["uid"],) if owner else (_orphans(namespace(replicaset)),)


def _orphans(namespace: str) -> str:
    return f"orphans of {namespace}"


def _selects(deployment: Obj, replicaset: Obj) -> bool:
    selector = from_object(deployment["spec"]["selector"])
    return selector.matches(labels(replicaset))


def _reference(replicaset: Obj, reference: Obj) -> Patch:
    """The patch that adds, or takes away, one owner reference of this very ReplicaSet."""
    patch = {"metadata": {"ownerReferences": [reference], "uid": uid(replicaset)}}
    return Patch(REPLICASETS, replicaset, patch, type="strategic")
