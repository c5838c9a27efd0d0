"""The node controller's shell: listens for heartbeats, writes conditions and taints.

No tick: every node has a timer to the end of its grace time, and each sign of life moves it.
"""

import asyncio
import time
from typing import Final

from labctl.api.kinds.coordination import LEASES
from labctl.api.kinds.core import NODES, PODS
from labctl.api.objects import Obj, name, namespace
from labctl.client.reconciler import Reconciler
from labctl.controllers.controller import Desk
from labctl.controllers.node_lifecycle import health
from labctl.controllers.node_lifecycle.health import Disruption
from labctl.controllers.node_lifecycle.heartbeats import Heartbeats
from labctl.controllers.node_lifecycle.pods import unready
from labctl.controllers.writes import Patch, perform, perform_all
from labctl.errors import StatusError

_LEASES: Final = "kube-node-lease"
_WORKERS: Final = 8
# Times of Kubernetes; they shrink and grow with the lab's grace time.
_STARTUP_GRACE: Final = 60.0
_PRIMARY_INTERVAL: Final = 10.0  # 0.1 nodes a second
_SECONDARY_INTERVAL: Final = 100.0
_LOOK_AGAIN: Final = 5.0


class NodeLifecycleController:
    """Tells which nodes are NotReady, and taints them."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._client = desk.client
        self._nodes = desk.caches.of(NODES)
        self._heartbeats = Heartbeats()
        self._state = Disruption.NONE
        self._last_taint = float("-inf")
        self._reconciler = Reconciler("node", self._reconcile, _WORKERS)
        self._nodes.subscribe(self._node_changed)
        desk.caches.of(LEASES).subscribe(self._lease_changed)

    async def run(self) -> None:
        await asyncio.gather(self._desk.caches.synced(), self._desk.settings.synced())
        self._heartbeats.all_heard(time.monotonic())
        await self._reconciler.run()

    def _node_changed(self, old: Obj | None, new: Obj | None) -> None:
        if new is not None:
            self._heartbeats.node_changed(old, new, time.monotonic())
            self._reconciler.mark(name(new))
        if new is not None and old is None:
            self._tell_of(new, "RegisteredNode", "Registered Node {} in Controller")
        if old is not None and new is None:
            self._heartbeats.forget(name(old))
            self._tell_of(old, "RemovingNode", "Removing Node {} from Controller")
        self._assess()

    def _lease_changed(self, old: Obj | None, new: Obj | None) -> None:
        if new is not None and namespace(new) == _LEASES:
            self._heartbeats.lease_changed(old, new, time.monotonic())

    def _assess(self) -> None:
        """Looks at all nodes together; when the answer changes, every node is looked at again."""
        ready = [health.readiness(node) for node in self._nodes.objects.values()]
        state = health.disruption(ready)
        if state is self._state:
            return
        if self._state is Disruption.FULL:
            # The first node is heard of again: the others get their grace time to follow.
            self._heartbeats.all_heard(time.monotonic())
        self._state = state
        for at in self._nodes.objects:
            self._reconciler.mark(at)

    async def _reconcile(self, at: str) -> float | None:
        node = self._nodes.objects.get(at)
        if node is None:
            return None
        left = self._left(node)
        if left <= 0:
            node = await self._silent(node)
        if health.readiness(node) != "True":
            await self._unready_pods(node)
        later = await self._taint(node)
        waits = [seconds for seconds in (later, left if left > 0 else None) if seconds is not None]
        return min(waits, default=None)

    def _left(self, node: Obj) -> float:
        """In how many seconds its grace time is over."""
        settings = self._desk.settings
        spoke = bool((node.get("status") or {}).get("conditions"))
        grace = settings.times.grace_seconds if spoke else settings.scaled(_STARTUP_GRACE)
        return grace - self._heartbeats.silence(name(node), time.monotonic())

    async def _silent(self, node: Obj) -> Obj:
        """Writes Unknown into the conditions of a node past its grace time, once."""
        old = (node.get("status") or {}).get("conditions") or []
        new = health.silent_conditions(node, time.time())
        if new == old:
            return node
        was_ready = health.readiness(node) == "True"
        metadata = {"resourceVersion": node["metadata"]["resourceVersion"]}
        patch = {"metadata": metadata, "status": {"conditions": new}}
        node = await perform(self._client, Patch(NODES, node, patch, "status"))
        if was_ready:
            text = f"Node {name(node)} status is now: NodeNotReady"
            self._tell(node, "NodeNotReady", text)
        return node

    async def _unready_pods(self, node: Obj) -> None:
        pods = list(self._desk.caches.pods_on(name(node)).values())
        patches = [(pod, unready(pod, time.time())) for pod in pods]
        writes = [
            Patch(PODS, pod, patch, "status", "strategic")
            for pod, patch in patches
            if patch is not None
        ]
        await perform_all(self._client, writes)
        for write in writes:
            recorder = self._desk.recorder
            recorder.event(write.target, "Warning", "NodeNotReady", "Node is not ready")

    async def _taint(self, node: Obj) -> float | None:
        """Brings the taints up to date; in how many seconds to look again, if NoExecute waits."""
        execute, later = self._may_execute(node)
        old = (node.get("spec") or {}).get("taints") or []
        new = health.taints(node, execute=execute, now=time.time())
        if new == old:
            return later
        metadata = {"resourceVersion": node["metadata"]["resourceVersion"]}
        patch = {"metadata": metadata, "spec": {"taints": new or None}}
        before = self._last_taint
        if execute:
            self._last_taint = time.monotonic()
        try:
            await perform(self._client, Patch(NODES, node, patch))
        except StatusError:
            self._last_taint = before
            raise
        return later

    def _may_execute(self, node: Obj) -> tuple[bool | None, float | None]:
        """Whether pods of this node may be sent away now; if not, in how many seconds to ask."""
        if health.execute_taint(node) is None:
            return None, None
        again = self._desk.settings.scaled(_LOOK_AGAIN)
        state = self._disruption()
        if state is Disruption.FULL:
            return False, again
        if health.has_execute_taint(node):
            return None, None
        left = self._left(node)
        if health.readiness(node) == "Unknown" and left > 0:
            return None, left  # heard of again, or given its time anew: it shall say so itself
        interval = health.pace(
            state,
            len(self._nodes.objects),
            primary=self._desk.settings.scaled(_PRIMARY_INTERVAL),
            secondary=self._desk.settings.scaled(_SECONDARY_INTERVAL),
        ).interval
        if interval is None:
            return None, again
        wait = self._last_taint + interval - time.monotonic()
        return (None, wait) if wait > 0 else (True, None)

    def _disruption(self) -> Disruption:
        """As it is about to be: when all cables are pulled at once, the first node whose grace
        time is over must not lose its pods because the others' ends a moment later.
        """
        times = self._desk.settings.times
        suspicious = max(times.grace_seconds / 2.0, 2.0 * times.heartbeat_seconds)
        now = time.monotonic()
        return health.disruption(
            "Unknown" if self._heartbeats.silence(at, now) > suspicious else health.readiness(node)
            for at, node in self._nodes.objects.items()
        )

    def _tell_of(self, node: Obj, reason: str, what: str) -> None:
        at = name(node)
        self._tell(node, reason, f"Node {at} event: {what.format(at)}")

    def _tell(self, node: Obj, reason: str, message: str) -> None:
        self._desk.recorder.event(node, "Normal", reason, message)
