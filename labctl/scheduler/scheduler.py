"""The scheduler's shell: pods in by watch, bindings out, many on their way at once."""

import asyncio
import logging
import random
from typing import Final

from labctl.api.kinds.core import NODES, PODS
from labctl.api.objects import Obj, condition, key, now
from labctl.client.cache import Cache
from labctl.client.client import Client
from labctl.client.events import EventRecorder
from labctl.errors import StatusError
from labctl.scheduler.decide import Placed, Unplaced, decide
from labctl.scheduler.filters import Wake
from labctl.scheduler.podinfo import PodInfo, wants_scheduling
from labctl.scheduler.queue import SchedulingQueue
from labctl.scheduler.state import ClusterState

COMPONENT: Final = "default-scheduler"

_IN_FLIGHT: Final = 50
_TURN: Final = 16  # decisions between two looks at the rest of the process

_log = logging.getLogger(__name__)


class Scheduler:
    """Places every pod that has no node."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._recorder = EventRecorder(client, COMPONENT)
        self._state = ClusterState()
        self._queue = SchedulingQueue()
        self._nodes = Cache(client, NODES)
        self._pods = Cache(client, PODS)
        self._slots = asyncio.Semaphore(_IN_FLIGHT)
        self._random = random.Random()  # noqa: S311 - a choice among equals
        self._nodes.subscribe(self._node_changed)
        self._pods.subscribe(self._pod_changed)

    async def run(self) -> None:
        """Follows the API and places pods until cancelled."""
        async with asyncio.TaskGroup() as group:
            for part in (self._nodes, self._pods, self._recorder):
                group.create_task(part.run())
            await self._nodes.synced()
            await self._pods.synced()
            await self._place_all(group)

    async def _place_all(self, group: asyncio.TaskGroup) -> None:
        turn = 0
        while True:
            pod = await self._queue.pop()
            extras = self._state.extras(pod)
            answer = decide(pod, self._state.nodes.values(), self._random.choice, extras)
            if isinstance(answer, Placed):
                self._state.assume(pod, answer.node)
                group.create_task(self._bind(pod, answer.node))
            else:
                self._queue.set_aside(pod, answer.wakes)
                group.create_task(self._explain(pod, answer))
            turn += 1
            if turn % _TURN == 0:
                await asyncio.sleep(0)

    def _node_changed(self, old: Obj | None, new: Obj | None) -> None:
        self._queue.wake(self._state.node_changed(old, new))

    def _pod_changed(self, old: Obj | None, new: Obj | None) -> None:
        self._queue.wake(self._state.pod_changed(old, new))
        if new is not None and wants_scheduling(new):
            self._queue.put(PodInfo.of(new))
        else:
            self._queue.drop(key(new or old or {}))

    async def _bind(self, pod: PodInfo, node: str) -> None:
        try:
            async with self._slots:
                await self._client.bind(pod.namespace, pod.name, node, pod.uid)
        except StatusError as error:
            self._state.forget(pod, node)
            self._retry(pod, error)
            return
        # The queue keeps it until the watch shows the binding: news from before must not bring the
        # pod back as if it were new.
        told = self._pods.objects.get(pod.key)
        if told is not None:
            text = f"Successfully assigned {pod.key} to {node}"
            self._recorder.event(told, "Normal", "Scheduled", text)

    def _retry(self, pod: PodInfo, error: StatusError) -> None:
        """A pod that is gone or bound by now tells so by the watch; others are tried again."""
        _log.info("binding of %s: %s", pod.key, error)
        if error.code in (404, 409):
            return
        self._queue.set_aside(pod, Wake.NODE | Wake.POD_GONE | Wake.POD_PLACED)
        self._queue.wake(Wake.POD_GONE)

    async def _explain(self, pod: PodInfo, answer: Unplaced) -> None:
        """An Event, and the pod's condition PodScheduled, say why it waits."""
        told = self._pods.objects.get(pod.key)
        if told is None:
            return
        self._recorder.event(told, "Warning", "FailedScheduling", answer.message)
        old = condition(told, "PodScheduled") or {}
        new = {
            "type": "PodScheduled",
            "status": "False",
            "reason": "Unschedulable",
            "message": answer.message,
        }
        if old.items() >= new.items():
            return
        if old.get("status") != "False":
            new["lastTransitionTime"] = now()
        try:
            async with self._slots:
                await self._client.patch(
                    PODS,
                    pod.name,
                    {"status": {"conditions": [new]}},
                    pod.namespace,
                    subresource="status",
                    type="strategic",
                )
        except StatusError as error:
            _log.debug("condition of %s: %s", pod.key, error)
