"""Pods that nobody else will ever finish: their node is gone, or never was, or they are too many.

An agent deletes its own pods' objects after teardown. Where there is no agent any more, this
controller does: pods of a node whose object was deleted (after a quarantine, and a second look),
pods that were deleted before they got a node, pods that must end on a node marked out of service,
and finished pods beyond a threshold, oldest first.
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from labctl.api.kinds.core import NODES, PODS
from labctl.api.objects import Obj, format_time, is_deleting, name
from labctl.api.taints import OUT_OF_SERVICE
from labctl.client.reconciler import Reconciler
from labctl.controllers.controller import Desk
from labctl.controllers.node_lifecycle.health import readiness
from labctl.controllers.pods import is_finished, node_name
from labctl.controllers.writes import Delete, Patch, at_once, perform
from labctl.errors import StatusError

_ALL: Final = "all"
_PERIOD: Final = 20.0
_QUARANTINE: Final = 40.0
_TERMINATED_THRESHOLD: Final = 12_500


@dataclass(frozen=True)
class Leftover:
    """A pod to be taken away, and what its status shall say of it ("" for nothing)."""

    pod: Obj
    message: str = ""


def leftovers(
    pods: Iterable[Obj],
    nodes: Mapping[str, Obj],
    gone: Iterable[str],
    threshold: int = _TERMINATED_THRESHOLD,
) -> list[Leftover]:
    """The pods to take away; `gone` are nodes whose absence is certain."""
    certain = set(gone)
    found, finished = [], []
    for pod in pods:
        left = _leftover(pod, nodes, certain)
        if left is not None:
            found.append(left)
        elif is_finished(pod) and not is_deleting(pod):
            finished.append(pod)
    excess = max(0, len(finished) - threshold)
    finished.sort(key=lambda pod: (pod["metadata"]["creationTimestamp"], name(pod)))
    return found + [Leftover(pod) for pod in finished[:excess]]


def _leftover(pod: Obj, nodes: Mapping[str, Obj], gone: set[str]) -> Leftover | None:
    at = node_name(pod)
    if at in gone:
        return Leftover(pod, "PodGC: node no longer exists")
    if is_deleting(pod) and not at:
        return Leftover(pod)
    if is_deleting(pod) and at in nodes and _is_out_of_service(nodes[at]):
        return Leftover(pod, "PodGC: node is out of service")
    return None


def _is_out_of_service(node: Obj) -> bool:
    taints = (node.get("spec") or {}).get("taints") or ()
    marked = any(taint["key"] == OUT_OF_SERVICE for taint in taints)
    return marked and readiness(node) != "True"


def disrupted(now: float, message: str) -> Obj:
    """The strategic merge patch of the status of a pod that ends without its agent."""
    told = {
        "type": "DisruptionTarget",
        "status": "True",
        "reason": "DeletionByPodGC",
        "message": message,
        "lastTransitionTime": format_time(now),
    }
    return {"status": {"phase": "Failed", "conditions": [told]}}


class PodGcController:
    """Looks every twenty seconds, and whenever a node goes or a pod without node is deleted."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._client = desk.client
        self._nodes = desk.caches.of(NODES)
        self._pods = desk.caches.of(PODS)
        self._missing: dict[str, float] = {}
        self._reconciler = Reconciler("pod-gc", self._reconcile)
        self._nodes.subscribe(self._node_changed)
        self._pods.subscribe(self._pod_changed)

    async def run(self) -> None:
        await self._desk.caches.synced()
        self._reconciler.mark(_ALL)
        await self._reconciler.run()

    def _node_changed(self, _: Obj | None, new: Obj | None) -> None:
        if new is None or _is_out_of_service(new):
            self._reconciler.mark(_ALL)

    def _pod_changed(self, _: Obj | None, new: Obj | None) -> None:
        if new is not None and is_deleting(new) and not node_name(new):
            self._reconciler.mark(_ALL)

    async def _reconcile(self, _: str) -> float:
        now = time.monotonic()
        self._note_missing(now)
        gone = await self._certainly_gone(now)
        found = leftovers(self._pods.objects.values(), self._nodes.objects, gone)
        answers = await at_once(self._take_away, found)
        for answer in answers:
            if isinstance(answer, Exception):
                raise answer
        return self._next_look(now)

    def _note_missing(self, now: float) -> None:
        """Since when pods have named a node that is not there."""
        named = {node_name(pod) for pod in self._pods.objects.values()} - {""}
        absent = named - self._nodes.objects.keys()
        self._missing = {at: self._missing.get(at, now) for at in absent}

    async def _certainly_gone(self, now: float) -> list[str]:
        quarantine = self._desk.settings.scaled(_QUARANTINE)
        due = [at for at, since in self._missing.items() if now - since >= quarantine]
        return [at for at in due if not await self._exists(at)]

    async def _exists(self, node: str) -> bool:
        try:
            await self._client.get(NODES, node)
        except StatusError as error:
            if error.code == 404:
                return False
            raise
        return True

    async def _take_away(self, left: Leftover) -> None:
        try:
            if left.message and not is_finished(left.pod):
                patch = disrupted(time.time(), left.message)
                await perform(self._client, Patch(PODS, left.pod, patch, "status", "strategic"))
            await perform(self._client, Delete(PODS, left.pod, grace=0))
        except StatusError as error:
            if error.code != 404:
                raise

    def _next_look(self, now: float) -> float:
        quarantine = self._desk.settings.scaled(_QUARANTINE)
        waits = [since + quarantine - now for since in self._missing.values()]
        return max(0.1, min([_PERIOD, *waits]))
