"""Sends pods away from nodes with NoExecute taints, when their tolerations say so.

A pod that does not tolerate a taint goes at once; one that tolerates it for some seconds goes when
these are over, unless the taint is gone before. Going is an ordinary deletion: on a node that is
dead, the pod stays Terminating until its agent is back or pod garbage collection takes it, and its
owner has made another long before.
"""

import time
from dataclasses import dataclass
from typing import Final

from labctl.api.kinds.core import NODES, PODS
from labctl.api.objects import Obj, condition, format_time, is_deleting, key, name, namespace, uid
from labctl.api.taints import stay
from labctl.client.reconciler import Reconciler
from labctl.controllers.controller import Desk
from labctl.controllers.pods import is_finished, node_name
from labctl.controllers.writes import Delete, Patch, perform
from labctl.errors import StatusError

_WORKERS: Final = 50


@dataclass(frozen=True)
class Eviction:
    """A pod's appointed end: decided at `since`, due at `due` (monotonic seconds)."""

    uid: str
    since: float
    due: float


def appoint(pod: Obj, node: Obj, present: Eviction | None, now: float) -> Eviction | None:
    """When the pod has to go because of the node's taints; None if it may stay.

    The time runs from when the first taint was seen: another taint may shorten it, not start it
    anew.
    """
    if is_finished(pod) or is_deleting(pod):
        return None
    seconds = stay((node.get("spec") or {}).get("taints") or (), _tolerations(pod))
    if seconds is None:
        return None
    since = present.since if present is not None and present.uid == uid(pod) else now
    return Eviction(uid(pod), since, since + seconds)


def disruption(pod: Obj, now: float) -> Obj | None:
    """The strategic merge patch of the status that says why the pod is deleted."""
    present = condition(pod, "DisruptionTarget")
    if present is not None and present["status"] == "True":
        return None
    told = {
        "type": "DisruptionTarget",
        "status": "True",
        "reason": "DeletionByTaintManager",
        "message": "Taint manager: deleting due to NoExecute taint",
        "lastTransitionTime": format_time(now),
    }
    return {"status": {"conditions": [told]}}


class TaintEvictionController:
    """Keeps the appointments of all pods, by key."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._client = desk.client
        self._nodes = desk.caches.of(NODES)
        self._pods = desk.caches.of(PODS)
        self._appointed: dict[str, Eviction] = {}
        self._reconciler = Reconciler("taint-eviction", self._reconcile, _WORKERS)
        self._nodes.subscribe(self._node_changed)
        self._pods.subscribe(self._pod_changed)

    async def run(self) -> None:
        await self._desk.caches.synced()
        await self._reconciler.run()

    def _node_changed(self, old: Obj | None, new: Obj | None) -> None:
        if _executing(old) == _executing(new):
            return
        for at in self._desk.caches.pods_on(name(new or old or {})):
            self._reconciler.mark(at)

    def _pod_changed(self, old: Obj | None, new: Obj | None) -> None:
        """Only what changes an appointment: the node, the tolerations, the end."""
        if old is None or new is None or _relevant(old) != _relevant(new):
            at = key(new or old or {})
            if at in self._appointed or (new is not None and _executing(self._node_of(new))):
                self._reconciler.mark(at)

    def _node_of(self, pod: Obj) -> Obj | None:
        return self._nodes.objects.get(node_name(pod))

    async def _reconcile(self, at: str) -> float | None:
        pod = self._pods.objects.get(at)
        node = self._node_of(pod) if pod is not None else None
        present = self._appointed.get(at)
        if pod is None or node is None:
            self._appointed.pop(at, None)
            return None
        appointed = appoint(pod, node, present, time.monotonic())
        if appointed is None:
            if self._appointed.pop(at, None) is not None and not is_deleting(pod):
                text = f"Cancelling deletion of Pod {at}"
                self._tell(pod, text)
            return None
        self._appointed[at] = appointed
        left = appointed.due - time.monotonic()
        if left > 0:
            return left
        await self._evict(pod)
        self._appointed.pop(at, None)
        return None

    async def _evict(self, pod: Obj) -> None:
        self._tell(pod, f"Marking for deletion Pod {namespace(pod)}/{name(pod)}")
        patch = disruption(pod, time.time())
        try:
            if patch is not None:
                await perform(self._client, Patch(PODS, pod, patch, "status", "strategic"))
            await perform(self._client, Delete(PODS, pod))
        except StatusError as error:
            if error.code != 404:
                raise

    def _tell(self, pod: Obj, message: str) -> None:
        self._desk.recorder.event(pod, "Normal", "TaintManagerEviction", message)


def _executing(node: Obj | None) -> list[Obj]:
    taints = ((node or {}).get("spec") or {}).get("taints") or ()
    return [taint for taint in taints if taint["effect"] == "NoExecute"]


def _relevant(pod: Obj) -> tuple[str, bool, bool, list[Obj]]:
    return node_name(pod), is_finished(pod), is_deleting(pod), _tolerations(pod)


def _tolerations(pod: Obj) -> list[Obj]:
    return pod["spec"].get("tolerations") or []
