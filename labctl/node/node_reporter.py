"""Keeps the Node's status true: written when it changed, else every five minutes."""

import asyncio
import logging
import time
from collections.abc import Callable

from labctl.api.kinds.core import NODES
from labctl.api.objects import Obj, is_condition_true, name
from labctl.client.backoff import Backoff
from labctl.client.client import Client
from labctl.client.events import EventRecorder
from labctl.errors import StatusError
from labctl.node.node_object import node_status, without_heartbeats
from labctl.node.registration import Identity
from labctl.node.status_patch import status_patch

_STATUS_SECONDS = 300.0
_FIRST_RETRY, _LAST_RETRY = 0.05, 2.0

_log = logging.getLogger(__name__)


class NodeReporter:
    """Reports on `node`, as it was registered. `problems` says why it cannot run pods."""

    def __init__(
        self,
        client: Client,
        recorder: EventRecorder,
        node: Obj,
        identity: Identity,
        problems: Callable[[], tuple[str, ...]],
    ) -> None:
        self._client = client
        self._recorder = recorder
        self._node = node
        self._identity = identity
        self._problems = problems
        self._written_at = 0.0
        self._changed = asyncio.Event()

    def mark(self) -> None:
        """The node's state may have changed: look now."""
        self._changed.set()

    def watched(self, node: Obj) -> None:
        """The Node as the API has it now: somebody else may have changed its status."""
        self._node = node
        self.mark()

    def event(self, type_: str, reason: str, message: str) -> None:
        """An Event on the Node."""
        self._recorder.event(self._node, type_, reason, message)

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
                await self._wait(seconds())

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            pass

    async def _report(self) -> None:
        told: Obj = self._node.get("status") or {}
        spec, identity = self._identity.spec, self._identity
        status = node_status(told, spec.name, identity.address, identity.machine, self._problems())
        due = time.monotonic() > self._written_at + _STATUS_SECONDS
        if not due and without_heartbeats(status) == without_heartbeats(told):
            return
        before = self._node
        news = status_patch(told, status)
        self._node = await self._client.patch(
            NODES, name(before), {"status": news}, subresource="status", type="strategic"
        )
        self._written_at = time.monotonic()
        self._tell_of_readiness(before)

    def _tell_of_readiness(self, before: Obj) -> None:
        ready = is_condition_true(self._node, "Ready")
        if ready != is_condition_true(before, "Ready"):
            reason = "NodeReady" if ready else "NodeNotReady"
            self.event("Normal", reason, f"Node {name(before)} status is now: {reason}")
