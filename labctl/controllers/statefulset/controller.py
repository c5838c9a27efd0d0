"""The StatefulSet controller's shell: marks, claims, writes and Events."""

import time

from labctl.api.kinds.apps import STATEFULSETS
from labctl.api.kinds.core import PERSISTENTVOLUMECLAIMS, PODS
from labctl.api.objects import Obj, is_deleting, labels, name
from labctl.client.reconciler import Reconciler
from labctl.controllers.claim import claimed_pods
from labctl.controllers.controller import Desk
from labctl.controllers.pods import next_availability, ready_since
from labctl.controllers.revisions import HASH_LABEL, history, outdated
from labctl.controllers.statefulset import plan
from labctl.controllers.statefulset.identity import claims, ordinal
from labctl.controllers.workload import Workload
from labctl.controllers.writes import Patch, perform, perform_each, status_patch
from labctl.errors import StatusError

_WORKERS = 2


class StatefulSetController:
    """Keeps the pods of each StatefulSet, in their order."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._client = desk.client
        self._reconciler = Reconciler("statefulset", self._reconcile, _WORKERS)
        self._workload = Workload(desk, STATEFULSETS, self._reconciler.mark)

    async def run(self) -> None:
        await self._desk.caches.synced()
        await self._reconciler.run()

    async def _reconcile(self, at: str) -> float | None:
        statefulset = self._workload.get(at)
        if statefulset is None:
            return None
        now = time.time()
        pods = await claimed_pods(
            self._desk, STATEFULSETS, statefulset, lambda pod: ordinal(statefulset, pod) >= 0
        )
        revisions = self._workload.revisions_of(statefulset)
        known = history(statefulset, revisions, name_with_hash=True)
        if not is_deleting(statefulset):
            await self._workload.keep_history(known.writes)
        step = plan.plan(statefulset, known, pods, now)
        for pod in step.create:
            await self._create(statefulset, pod)
        for pod in step.delete:
            await self._delete(statefulset, pod)
        await self._write_status(statefulset, step.status)
        if not is_deleting(statefulset):
            live = [labels(pod).get(HASH_LABEL, "") for pod in pods]
            live.append(step.status["currentRevision"])
            await perform_each(self._client, outdated(statefulset, known, live))
        return next_availability(
            map(ready_since, pods), statefulset["spec"].get("minReadySeconds", 0), now
        )

    async def _create(self, statefulset: Obj, pod: Obj) -> None:
        """The name says which pod it is, so that a second try makes no second one."""
        what = f"create Pod {name(pod)} in StatefulSet {name(statefulset)}"
        try:
            for claim in claims(statefulset, name(pod)):
                await self._ensure(statefulset, claim)
            await self._client.create(PODS, pod)
        except StatusError as error:
            if error.reason == "AlreadyExists":
                return
            text = f"{what} failed error: {error}"
            self._workload.tell(statefulset, "Warning", "FailedCreate", text)
            raise
        self._workload.tell(statefulset, "Normal", "SuccessfulCreate", f"{what} successful")

    async def _ensure(self, statefulset: Obj, claim: Obj) -> None:
        try:
            await self._client.create(PERSISTENTVOLUMECLAIMS, claim)
        except StatusError as error:
            if error.reason != "AlreadyExists":
                raise
            return
        what = f"create Claim {name(claim)} Pod in StatefulSet {name(statefulset)} success"
        self._workload.tell(statefulset, "Normal", "SuccessfulCreate", what)

    async def _delete(self, statefulset: Obj, pod: Obj) -> None:
        if await self._workload.delete_pod(statefulset, pod):
            what = f"delete Pod {name(pod)} in StatefulSet {name(statefulset)} successful"
            self._workload.tell(statefulset, "Normal", "SuccessfulDelete", what)

    async def _write_status(self, statefulset: Obj, new: Obj) -> None:
        old = statefulset.get("status") or {}
        kept = {"conditions": old["conditions"]} if "conditions" in old else {}
        if {**new, **kept} != old:
            patch = status_patch(old, {**new, **kept})
            await perform(self._client, Patch(STATEFULSETS, statefulset, patch, "status"))
