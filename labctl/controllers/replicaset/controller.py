"""The ReplicaSet controller's shell: marks, expectations, writes and Events."""

import time
from typing import Final

from labctl.api.kinds.apps import REPLICASETS
from labctl.api.kinds.core import PODS
from labctl.api.objects import Obj, controller_of, is_deleting, key, labels, name, namespace, uid
from labctl.api.selectors import from_object
from labctl.client.reconciler import Reconciler
from labctl.controllers.claim import claimed_pods, owned_pod
from labctl.controllers.controller import Desk
from labctl.controllers.expectations import Expectations
from labctl.controllers.pods import is_active, next_availability
from labctl.controllers.replicaset import plan
from labctl.controllers.replicaset.census import Census, Censuses, census_of
from labctl.controllers.replicaset.victims import victims
from labctl.controllers.writes import Patch, at_once, perform, status_patch
from labctl.errors import StatusError

_WORKERS: Final = 5
_SECONDS_A_POD: Final = 0.0001  # between two passes


class ReplicaSetController:
    """Keeps as many active pods as each ReplicaSet asks for."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._client = desk.client
        self._replicasets = desk.caches.of(REPLICASETS)
        self._censuses = Censuses(desk.caches.of(PODS))
        self._expected = Expectations()
        self._reconciler = Reconciler("replicaset", self._reconcile, _WORKERS)
        self._replicasets.subscribe(self._replicaset_changed)
        desk.caches.of(PODS).subscribe(self._pod_changed)

    async def run(self) -> None:
        await self._desk.caches.synced()
        await self._reconciler.run()

    def _replicaset_changed(self, old: Obj | None, new: Obj | None) -> None:
        changed = new or old or {}
        if new is None:
            self._expected.forget(key(changed))
        if _is_told(old, new):
            self._mark_soon(changed)
        else:
            self._reconciler.mark(key(changed))

    def _pod_changed(self, old: Obj | None, new: Obj | None) -> None:
        for pod in (old, new):
            owner = self._owner(pod)
            if owner is not None and pod is not None:
                self._observe(key(owner), pod, added=old is None, gone=new is None)
                self._mark_soon(owner)
        if new is not None and controller_of(new) is None:
            self._mark_adopters(new)

    def _mark_soon(self, replicaset: Obj) -> None:
        """A pass writes a status, so the more pods a set has, the more changes share a pass."""
        pods = len(self._desk.caches.pods_of(uid(replicaset)))
        self._reconciler.mark_after(key(replicaset), pods * _SECONDS_A_POD)

    def _observe(self, at: str, pod: Obj, *, added: bool, gone: bool) -> None:
        if added:
            self._expected.saw_creation(at)
        if gone or is_deleting(pod):
            self._expected.saw_deletion(at, uid(pod))

    def _owner(self, pod: Obj | None) -> Obj | None:
        owner = controller_of(pod) if pod is not None else None
        if pod is None or owner is None or owner["kind"] != "ReplicaSet":
            return None
        found = self._replicasets.get(namespace(pod), owner["name"])
        return found if found is not None and uid(found) == owner["uid"] else None

    def _mark_adopters(self, pod: Obj) -> None:
        for replicaset in self._replicasets.objects.values():
            if namespace(replicaset) == namespace(pod):
                selector = from_object(replicaset["spec"]["selector"])
                if selector.matches(labels(pod)):
                    self._reconciler.mark(key(replicaset))

    async def _reconcile(self, at: str) -> float | None:
        replicaset = self._replicasets.objects.get(at)
        if replicaset is None:
            return None
        may_act = self._expected.satisfied(at, time.monotonic())
        census = await self._count(replicaset)
        failure: plan.Failure | None = None
        error: Exception | None = None
        if may_act and not is_deleting(replicaset):
            failure, error = await self._manage(replicaset, plan.active(census))
        await self._write_status(replicaset, census, failure)
        if error is not None:
            raise error
        wait = replicaset["spec"].get("minReadySeconds", 0)
        return next_availability(
            (sort.ready_since for sort in census if sort.active), wait, time.time()
        )

    async def _count(self, replicaset: Obj) -> Census:
        """Its pods; looked at one by one only where some are to be taken on, or let go."""
        census = self._censuses.of(uid(replicaset))
        selector = from_object(replicaset["spec"]["selector"])
        alien = any(not selector.matches(dict(sort.labels)) for sort in census if sort.active)
        if alien or self._desk.caches.orphan_pods(namespace(replicaset)):
            return census_of(await self._claimed(replicaset))
        return census

    async def _claimed(self, replicaset: Obj) -> tuple[Obj, ...]:
        return await claimed_pods(self._desk, REPLICASETS, replicaset, is_active)

    async def _manage(
        self, replicaset: Obj, present: int
    ) -> tuple[plan.Failure | None, Exception | None]:
        """Creates or deletes what is missing or too many; says what went wrong."""
        count = plan.missing(replicaset, present)
        if count > 0:
            return _failed("FailedCreate", await self._create(replicaset, count))
        if count < 0:
            pods = await self._claimed(replicaset)
            return _failed("FailedDelete", await self._delete(replicaset, pods, -count))
        return None, None

    async def _create(self, replicaset: Obj, count: int) -> Exception | None:
        at = key(replicaset)
        self._expected.expect_creations(at, count, time.monotonic())
        left, failure = count, None
        for batch in plan.slow_start(count):
            answers = await at_once(self._create_one, [replicaset] * batch)
            errors = [answer for answer in answers if isinstance(answer, Exception)]
            left -= batch - len(errors)
            if errors:
                failure = errors[0]
                break
        if left:
            self._expected.saw_creation(at, left)
        return None if failure is not None and _namespace_ends(failure) else failure

    async def _create_one(self, replicaset: Obj) -> None:
        try:
            pod = await self._client.create(
                PODS, owned_pod(replicaset, replicaset["spec"]["template"])
            )
        except StatusError as error:
            if not _namespace_ends(error):
                self._tell(replicaset, "Warning", "FailedCreate", f"Error creating: {error}")
            raise
        self._tell(replicaset, "Normal", "SuccessfulCreate", f"Created pod: {name(pod)}")

    async def _delete(self, replicaset: Obj, pods: tuple[Obj, ...], count: int) -> Exception | None:
        chosen = victims(pods, count, self._siblings(replicaset), time.time())
        uids = {uid(pod) for pod in chosen}
        self._expected.expect_deletions(key(replicaset), uids, time.monotonic())
        answers = await at_once(lambda pod: self._delete_one(replicaset, pod), chosen)
        return next((answer for answer in answers if isinstance(answer, Exception)), None)

    async def _delete_one(self, replicaset: Obj, pod: Obj) -> None:
        try:
            await self._client.delete(PODS, name(pod), namespace(pod), uid=uid(pod))
        except StatusError as error:
            self._expected.saw_deletion(key(replicaset), uid(pod))
            if error.code == 404:
                return
            self._tell(replicaset, "Warning", "FailedDelete", f"Error deleting: {error}")
            raise
        self._tell(replicaset, "Normal", "SuccessfulDelete", f"Deleted pod: {name(pod)}")

    def _siblings(self, replicaset: Obj) -> list[Obj]:
        """The pods of all ReplicaSets that share its owner; its own where it has none."""
        owner = controller_of(replicaset)
        family = [replicaset]
        if owner is not None:
            family = [
                one
                for one in self._replicasets.objects.values()
                if (controller_of(one) or {}).get("uid") == owner["uid"]
            ]
        pods = (self._desk.caches.pods_of(uid(one)).values() for one in family)
        return [pod for group in pods for pod in group]

    async def _write_status(
        self, replicaset: Obj, census: Census, failure: plan.Failure | None
    ) -> None:
        old = replicaset.get("status") or {}
        new = plan.status(replicaset, census, failure, time.time())
        if new == old:
            return
        patch = status_patch(old, new)
        await perform(self._client, Patch(REPLICASETS, replicaset, patch, "status"))

    def _tell(self, replicaset: Obj, type_: str, reason: str, message: str) -> None:
        self._desk.recorder.event(replicaset, type_, reason, message)


def _failed(reason: str, error: Exception | None) -> tuple[plan.Failure | None, Exception | None]:
    if error is None:
        return None, None
    return plan.Failure(reason, str(error)), error


def _is_told(old: Obj | None, new: Obj | None) -> bool:
    """Whether only the status changed, mostly by a pass itself: another one can wait for more."""
    if old is None or new is None:
        return False
    return old["spec"] == new["spec"] and old.get("status") != new.get("status")


def _namespace_ends(error: Exception) -> bool:
    """Whether creation failed because the namespace is being deleted: no use to try again."""
    if not isinstance(error, StatusError):
        return False
    causes = (error.status.get("details") or {}).get("causes") or ()
    return any(cause.get("reason") == "NamespaceTerminating" for cause in causes)
