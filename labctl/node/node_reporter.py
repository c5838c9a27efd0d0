"""Keeps the Node's status true: written when it changed, else every five minutes.

A node that is Ready is called NotReady only when its trouble lasts: an agent or a runtime that is
started again is back within a second, and no pod shall be evicted for that. Nor is it told at once
what a node that has just been started still waits for: all other nodes would hear of it each time.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence

from labctl.api.kinds.core import NODES
from labctl.api.objects import Obj, is_condition_true, name
from labctl.api.patches.strategic_diff import strategic_diff
from labctl.client.backoff import Backoff
from labctl.client.client import Client
from labctl.client.events import EventRecorder
from labctl.cri.messages import StoredImage
from labctl.errors import StatusError
from labctl.node.node_object import node_status, with_images, without_heartbeats
from labctl.node.registration import Identity

_STATUS_SECONDS = 300.0
_PATIENCE_SECONDS = 5.0
_START_SECONDS = 2.0
_FIRST_RETRY, _LAST_RETRY = 0.05, 2.0

_log = logging.getLogger(__name__)


class NodeReporter:
    """Reports on `node`, as it was registered. `problems` says why it cannot run pods, `images` what
    is in the lab's store.
    """

    def __init__(
        self,
        client: Client,
        recorder: EventRecorder,
        node: Obj,
        identity: Identity,
        problems: Callable[[], tuple[str, ...]],
        images: Callable[[], Sequence[StoredImage]],
    ) -> None:
        self._client = client
        self._recorder = recorder
        self._node = node
        self._identity = identity
        self._problems = problems
        self._images = images
        self._began = time.monotonic()
        self._written_at = 0.0
        self._trouble_since: float | None = None
        self._changed = asyncio.Event()

    def mark(self) -> None:
        """The node's state may have changed: look now."""
        self._changed.set()

    def watched(self, node: Obj) -> None:
        """The Node as the API has it now: somebody else may have changed its status."""
        self._node = node
        self.mark()

    def event(self, type_: str, reason: str, message: str) -> None:
        """An Event on the Node, which a kubelet knows by its name alone: that stands for the uid too.

        kubectl asks for both (describe.go, NodeDescriber); kubectl 1.20 for nothing else.
        """
        metadata = self._node["metadata"]
        subject = {**self._node, "metadata": {**metadata, "uid": metadata["name"]}}
        self._recorder.event(subject, type_, reason, message)

    def started(self, missing: tuple[str, ...]) -> None:
        """The agent works from now on; `missing` are controllers of cgroups that there are not."""
        self.event("Normal", "Starting", "Starting kubelet.")
        if missing:
            text = (
                f"no cgroup controller for {', '.join(missing)}: limits of these are not honoured"
            )
            self.event("Warning", "LimitsNotHonoured", text)

    async def run(self, seconds: Callable[[], float]) -> None:
        """Looks every `seconds()` and at every mark, until cancelled."""
        backoff = Backoff(_FIRST_RETRY, _LAST_RETRY)
        while True:
            self._changed.clear()
            try:
                await self._report()
            except StatusError as error:
                _log.warning("status of the node: %s", error.message)
                await asyncio.sleep(backoff.next())
            else:
                backoff.reset()
                await self._wait(self._until_next_look(seconds()))

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            pass

    def _until_next_look(self, heartbeat: float) -> float:
        if self._trouble_since is None:
            return heartbeat
        return min(heartbeat, _START_SECONDS if self._is_young else _PATIENCE_SECONDS)

    @property
    def _is_young(self) -> bool:
        return time.monotonic() < self._began + _START_SECONDS

    def _lasting_problems(self) -> tuple[str, ...]:
        """The problems to tell of: none yet that a Ready node has had for a moment only."""
        problems, now = self._problems(), time.monotonic()
        if not problems:
            self._trouble_since = None
            return ()
        since = self._trouble_since = self._trouble_since or now
        lasting = now >= since + _PATIENCE_SECONDS
        return problems if lasting or not is_condition_true(self._node, "Ready") else ()

    async def _report(self) -> None:
        told: Obj = self._node.get("status") or {}
        spec, identity = self._identity.spec, self._identity
        status = node_status(
            told, spec.name, identity.address, identity.machine, self._lasting_problems()
        )
        status = with_images(status, self._images())
        due = time.monotonic() > self._written_at + _STATUS_SECONDS
        if not due and without_heartbeats(status) == without_heartbeats(told):
            return
        if self._is_young and not is_condition_true({"status": status}, "Ready"):
            return
        before = self._node
        news = strategic_diff(NODES, {"status": told}, {"status": status})
        self._node = await self._client.patch(
            NODES, name(before), news, subresource="status", type="strategic"
        )
        self._written_at = time.monotonic()
        self._tell_of_readiness(before)

    def _tell_of_readiness(self, before: Obj) -> None:
        ready = is_condition_true(self._node, "Ready")
        if ready != is_condition_true(before, "Ready"):
            reason = "NodeReady" if ready else "NodeNotReady"
            self.event("Normal", reason, f"Node {name(before)} status is now: {reason}")
