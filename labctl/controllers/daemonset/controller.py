"""The DaemonSet controller's shell: marks, expectations, writes and Events."""

import time

from labctl.api.kinds.apps import DAEMONSETS
from labctl.api.kinds.core import NODES, PODS
from labctl.api.objects import Obj, is_deleting, key, labels, name, uid
from labctl.client.reconciler import Reconciler
from labctl.controllers.claim import claimed_pods
from labctl.controllers.controller import Desk
from labctl.controllers.daemonset import plan
from labctl.controllers.daemonset.nodes import wanted_node
from labctl.controllers.expectations import Expectations
from labctl.controllers.pods import next_availability, ready_since
from labctl.controllers.revisions import HASH_LABEL, history, outdated
from labctl.controllers.workload import Workload, described
from labctl.controllers.writes import Patch, at_once, perform, perform_each, status_patch
from labctl.errors import StatusError

_WORKERS = 2


class DaemonSetController:
    """Keeps a pod of each DaemonSet on every node that shall have one."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._client = desk.client
        self._expected = Expectations()
        self._reconciler = Reconciler("daemonset", self._reconcile, _WORKERS)
        # Before the workload, which marks: expectations must know of a pod by then.
        desk.caches.of(PODS).subscribe(self._pod_changed)
        self._workload = Workload(desk, DAEMONSETS, self._reconciler.mark)
        self._nodes = desk.caches.of(NODES)
        self._nodes.subscribe(self._node_changed)

    async def run(self) -> None:
        await self._desk.caches.synced()
        await self._reconciler.run()

    def _pod_changed(self, old: Obj | None, new: Obj | None) -> None:
        pod = new or old or {}
        owner = self._workload.owner_of(pod)
        if owner is not None and old is None:
            self._expected.saw_creation(key(owner))
        if owner is not None and (new is None or is_deleting(new)):
            self._expected.saw_deletion(key(owner), uid(pod))

    def _node_changed(self, old: Obj | None, new: Obj | None) -> None:
        """What decides on a node is its labels and taints; heartbeats mark nobody."""
        if old is None or new is None or _what_counts(old) != _what_counts(new):
            for daemonset in self._workload.all():
                self._reconciler.mark(key(daemonset))

    async def _reconcile(self, at: str) -> float | None:
        daemonset = self._workload.get(at)
        if daemonset is None:
            self._expected.forget(at)
            return None
        now = time.time()
        may_act = self._expected.satisfied(at, time.monotonic())
        pods = await claimed_pods(self._desk, DAEMONSETS, daemonset, lambda _: True)
        known = history(daemonset, self._workload.revisions_of(daemonset))
        if not is_deleting(daemonset):
            await self._workload.keep_history(known.writes)
        step = plan.plan(daemonset, known.hash, self._nodes.objects.values(), pods, now)
        await self._write_status(daemonset, step.status)
        if may_act:
            await self._act(daemonset, known.hash, step)
        if not is_deleting(daemonset):
            live = [labels(pod).get(HASH_LABEL, "") for pod in pods]
            await perform_each(self._client, outdated(daemonset, known, live))
        return next_availability(
            map(ready_since, pods), daemonset["spec"].get("minReadySeconds", 0), now
        )

    async def _act(self, daemonset: Obj, hash_: str, step: plan.Plan) -> None:
        for pod in step.failed:
            text = f"Found failed daemon pod {described(pod)} on node {wanted_node(pod)}"
            tell = self._workload.tell
            tell(daemonset, "Warning", "FailedDaemonPod", f"{text}, will try to kill it")
        at, now = key(daemonset), time.monotonic()
        if step.create:
            self._expected.expect_creations(at, len(step.create), now)
        elif step.delete:
            self._expected.expect_deletions(at, {uid(pod) for pod in step.delete}, now)
        made = await at_once(lambda node: self._create(daemonset, hash_, node), step.create)
        ended = await at_once(lambda pod: self._delete(daemonset, pod), step.delete)
        failures = [one for one in (*made, *ended) if isinstance(one, Exception)]
        if failures:
            raise failures[0]

    async def _create(self, daemonset: Obj, hash_: str, node: str) -> None:
        try:
            pod = await self._client.create(PODS, plan.new_pod(daemonset, hash_, node))
        except StatusError as error:
            self._expected.saw_creation(key(daemonset))
            text = f"Error creating: {error}"
            self._workload.tell(daemonset, "Warning", "FailedCreate", text)
            raise
        self._workload.tell(daemonset, "Normal", "SuccessfulCreate", f"Created pod: {name(pod)}")

    async def _delete(self, daemonset: Obj, pod: Obj) -> None:
        try:
            there = await self._workload.delete_pod(daemonset, pod)
        except StatusError:
            self._expected.saw_deletion(key(daemonset), uid(pod))
            raise
        if there:
            text = f"Deleted pod: {name(pod)}"
            self._workload.tell(daemonset, "Normal", "SuccessfulDelete", text)
        else:
            self._expected.saw_deletion(key(daemonset), uid(pod))

    async def _write_status(self, daemonset: Obj, new: Obj) -> None:
        old = daemonset.get("status") or {}
        kept = {k: old[k] for k in ("conditions", "collisionCount") if k in old}
        if {**new, **kept} != old:
            patch = status_patch(old, {**new, **kept})
            await perform(self._client, Patch(DAEMONSETS, daemonset, patch, "status"))


def _what_counts(node: Obj) -> tuple[object, object]:
    return labels(node), (node.get("spec") or {}).get("taints")
