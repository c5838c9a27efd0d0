"""Notices that something happened to a pod's own side that plugins made, and has it examined."""

import contextlib
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial

from labctl.client.reconciler import Reconciler
from labctl.cni.chain import Chain
from labctl.cni.records import Record
from labctl.errors import NetError
from labctl.net.monitor import Event
from labctl.node.network_watcher import NetworkWatcher
from labctl.node.pod_network.plugin_sides import PluginSides

_SETTLE_SECONDS = 0.02  # a wound comes as several events

_log = logging.getLogger(__name__)


class PluginWatch:
    """`turn(id)` is when plugins may be called for a sandbox.

    `lost(id)` is told of a sandbox that is of no use any more, `told(id, sentence)` of a wound.
    """

    def __init__(
        self,
        watcher: NetworkWatcher,
        turn: Callable[[str], AbstractAsyncContextManager[None]],
        lost: Callable[[str], None],
        told: Callable[[str, str], None],
    ) -> None:
        self._watcher = watcher
        self._turn = turn
        self._lost = lost
        self._told = told
        self._sides = PluginSides()
        self._records: dict[str, Record] = {}
        self._chain: Chain | None = None
        self._hurt = Reconciler("wounds", self._examine)

    async def run(self, chain: Chain) -> None:
        """Has wounds examined by the plugins of `chain`, until cancelled."""
        self._chain = chain
        await self._hurt.run()

    def follow(self, record: Record) -> None:
        """As its side is now it is right. A sandbox that is gone already has none."""
        identity, netns = record.container_id, record.attachment.netns
        with contextlib.suppress(NetError, OSError), open(netns, "rb") as place:
            self._watcher.follow(place.fileno(), identity, partial(self._heard, identity))
            self._sides.put(identity, netns, record.inode)
            self._records[identity] = record

    def unfollow(self, sandbox_id: str) -> None:
        self._watcher.unfollow(sandbox_id)
        self._sides.drop(sandbox_id)
        self._records.pop(sandbox_id, None)

    def _heard(self, sandbox_id: str, events: list[Event]) -> None:
        if self._sides.hurt(sandbox_id, events):
            self._hurt.mark_after(sandbox_id, _SETTLE_SECONDS)

    async def _examine(self, sandbox_id: str) -> None:
        async with self._turn(sandbox_id):
            record, chain = self._records.get(sandbox_id), self._chain
            if record is None or chain is None:
                return
            check = partial(chain.check, record.attachment, record.result or {})
            found = await self._sides.examine(sandbox_id, check if chain.checks else None)
        if found.sentence:
            _log.warning("healed: %s", found.sentence)
            self._told(sandbox_id, found.sentence)
        if not found.of_use:
            self.unfollow(sandbox_id)
            self._lost(sandbox_id)
