"""Tells the API what became of pods: the newest state of each, at most one write a pod at a time.

A mark says that a pod's status may have changed; what is written is computed when its turn comes,
so that a pod which starts in a few milliseconds costs one write and not one for each step.
"""

import time

from labctl.api.kinds.core import PODS
from labctl.api.objects import Obj, name, namespace, uid
from labctl.api.patches.strategic_diff import strategic_diff
from labctl.client.client import Client
from labctl.client.reconciler import Reconciler
from labctl.errors import StatusError
from labctl.node.pods.memory import PodMemory
from labctl.node.pods.objects import PodObjects
from labctl.node.pods.status import pod_status

_WRITERS = 8
_GONE = (404, 409)  # the object is gone, or another pod has its name by now


class StatusWriter:
    """Writes the status of the pods in `objects`, on a node with the address `host_ip`."""

    def __init__(
        self, client: Client, objects: PodObjects, memory: PodMemory, host_ip: str
    ) -> None:
        self._client = client
        self._objects = objects
        self._memory = memory
        self._host_ip = host_ip
        self._queue = Reconciler("pod status", self._write_marked, workers=_WRITERS)

    def mark(self, pod_uid: str) -> None:
        self._queue.mark(pod_uid)

    async def run(self) -> None:
        await self._queue.run()

    async def write(self, pod: Obj) -> None:
        """Writes the pod's present status, if it is news. Raises StatusError, but not for a pod
        that is gone.
        """
        facts = self._memory.facts(uid(pod))
        status = pod_status(pod, facts, self._host_ip, time.time())
        news = strategic_diff(PODS, {"status": pod.get("status") or {}}, {"status": status})
        if not news:
            return
        patch = {"metadata": {"uid": uid(pod)}, **news}
        try:
            answer = await self._client.patch(
                PODS, name(pod), patch, namespace(pod), subresource="status", type="strategic"
            )
        except StatusError as error:
            if error.code not in _GONE:
                raise
        else:
            self._objects.put(answer, {**pod, "status": status})

    async def _write_marked(self, pod_uid: str) -> None:
        pod = self._objects.get(pod_uid)
        if pod is not None:
            await self.write(pod)
