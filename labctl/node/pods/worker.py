"""The loop of a node's pods: for each, plan, do, look again, until there is nothing to do.

Many pods are worked on at once, one worker a pod. Marks come from the watch of the API, from the
runtime's events, and from what ended in the background; what to do is computed anew each time.
"""

import logging
import time
from collections.abc import Callable

from labctl.api.objects import Obj, is_deleting, key, uid
from labctl.client.backoff import Backoff
from labctl.client.reconciler import Reconciler
from labctl.cni.errors import CniError
from labctl.cri.errors import CriError
from labctl.errors import LabError, NetError
from labctl.node.ipam import AddressTaken, NoFreeAddress
from labctl.node.network import NetworkNotReady
from labctl.node.pods.actions import Plan
from labctl.node.pods.deadline import is_exceeded
from labctl.node.pods.executor import Executor
from labctl.node.pods.facts import PodFacts
from labctl.node.pods.naming import NameTooLong
from labctl.node.pods.plan import plan

_WORKERS = 64
_FIRST_RETRY, _LAST_RETRY = 0.2, 10.0
_TRANSIENT = (
    CniError,
    CriError,
    NetError,
    NetworkNotReady,
    NoFreeAddress,
    AddressTaken,
    NameTooLong,
    OSError,
)

_log = logging.getLogger(__name__)


class StuckPlan(LabError):
    """A plan was carried out and came back unchanged."""


class PodWorker:
    """Brings pods to what the API says.

    `knows(pod)` tells whether enough is known yet to judge a pod, None being one that the API may
    have no more: what is not known of must not be taken for gone. `worked_on(uid)` is told whenever
    something may have been done for a pod.
    """

    def __init__(
        self,
        executor: Executor,
        knows: Callable[[Obj | None], bool],
        worked_on: Callable[[str], None],
    ) -> None:
        self._executor = executor
        self._worked_on = worked_on
        self._memory = executor.memory
        self._objects = executor.objects
        self._knows = knows
        self._backoffs: dict[str, Backoff] = {}
        self._queue = Reconciler("pod", self.sync, workers=_WORKERS)

    def mark(self, pod_uid: str) -> None:
        self._queue.mark(pod_uid)

    def mark_all(self) -> None:
        """Everything may have changed: the network is ready, or the API's list is complete."""
        for pod in self._objects:
            self.mark(pod["metadata"]["uid"])
        for pod_uid in self._memory.mirror.uids():
            self.mark(pod_uid)

    async def run(self) -> None:
        await self._queue.run()

    async def sync(self, pod_uid: str) -> float | None:
        """Works on one pod until it is as it should be, or has to wait; returns for how long."""
        if not self._knows(self._objects.get(pod_uid)):
            return None
        try:
            again = await self._work(pod_uid)
        except _TRANSIENT as error:
            backoff = self._backoffs.setdefault(pod_uid, Backoff(_FIRST_RETRY, _LAST_RETRY))
            _log.warning("pod %s: %s", self._name(pod_uid), error)
            again = backoff.next()
        else:
            self._backoffs.pop(pod_uid, None)
        self._worked_on(pod_uid)
        return again

    async def _work(self, pod_uid: str) -> float | None:
        done: Plan | None = None
        while True:
            pod = self._objects.get(pod_uid)
            if not self._knows(pod):
                return None
            facts = self._memory.facts(pod_uid)
            step = plan(pod, facts, time.time())
            if not step.actions:
                self._settle(pod_uid, pod, facts)
                return step.again
            if step == done:
                raise StuckPlan(f"{step.actions[0].describe()}: no effect")
            self._tell_of_deadline(pod)
            for action in step.actions:
                _log.info("%s: %s", self._name(pod_uid), action.describe())
                await self._executor.execute(pod_uid, pod, action)
            done = step

    def _tell_of_deadline(self, pod: Obj | None) -> None:
        """Once, before what it brings about."""
        if pod is None or is_deleting(pod) or not is_exceeded(pod, time.time()):
            return
        at = uid(pod)
        if at not in self._memory.expired:
            self._memory.expired.add(at)
            self._executor.teller.expired(pod)

    def _settle(self, pod_uid: str, pod: Obj | None, facts: PodFacts) -> None:
        """There is nothing to do for now: what waits is told, what is gone forgotten."""
        if pod is None:
            self._executor.forget(pod_uid)
        elif not is_deleting(pod):
            for container in self._memory.crashed(facts):
                self._executor.teller.backing_off(pod, container.config.name)
            for container in self._memory.log_errors(facts):
                self._executor.teller.log_failed(pod, container)

    def _name(self, pod_uid: str) -> str:
        pod = self._objects.get(pod_uid)
        if pod is not None:
            return key(pod)
        names = [one.config for one in self._memory.mirror.sandboxes(pod_uid)]
        return f"{names[0].namespace}/{names[0].name} (gone)" if names else pod_uid
