"""Keeps a node's network up with the cluster: the lab's spec, the Nodes, the sandboxes that run."""

import logging
from collections.abc import Callable, Iterable

from labctl.api.objects import Obj
from labctl.client.reconciler import Reconciler
from labctl.errors import LabError
from labctl.node.lab_settings import LabSettings
from labctl.node.network import Network
from labctl.node.network_watcher import NetworkWatcher
from labctl.node.pods.memory import PodMemory
from labctl.node.runtime_link import RuntimeLink
from labctl.node.snapshot import PodPort, Snapshot, port_of, snapshot

_KEY = "network"

_log = logging.getLogger(__name__)


class NetworkSync:
    """Updates `network` when the cluster changed; `changed()` is told when that changed its state."""

    def __init__(
        self,
        network: Network,
        watcher: NetworkWatcher,
        settings: LabSettings,
        nodes: Callable[[], Iterable[Obj]],
        memory: PodMemory,
        link: RuntimeLink,
        changed: Callable[[], None],
    ) -> None:
        self._network = network
        self._watcher = watcher
        self._settings = settings
        self._nodes = nodes
        self._memory = memory
        self._link = link
        self._changed = changed
        self._done: Snapshot | None = None
        self._queue = Reconciler("network", self._sync)

    def mark(self) -> None:
        self._queue.mark(_KEY)

    async def run(self) -> None:
        await self._queue.run()

    async def _sync(self, _key: str) -> None:
        spec = self._settings.spec
        self._watcher.healing = spec.network.healing
        wanted = snapshot(spec, self._nodes())
        if not self._link.seen or wanted == self._done:
            return
        before = self._network.problem
        try:
            self._update(wanted)
        finally:
            if self._network.problem != before:
                self._changed()

    def _update(self, wanted: Snapshot) -> None:
        """The first time, what pods had before the agent was started is taken over."""
        first = self._done is None
        if first:
            self._network.adopt(self._ports("ready"), self._ports("notready"))
        try:
            self._network.update(wanted)
        except LabError as error:
            self._network.problem = error.message
            raise
        self._done = wanted
        if first:
            self._memory.attached |= self._attached()

    def _ports(self, state: str) -> list[PodPort]:
        """Oldest sandbox first, so that the next address is taken behind the newest."""
        sandboxes = sorted(self._memory.mirror.all_sandboxes(), key=lambda one: one.created_at)
        ports = (port_of(one) for one in sandboxes if one.state == state)
        return [port for port in ports if port is not None]

    def _attached(self) -> set[str]:
        on_network = {p.sandbox for p in self._ports("ready") if self._network.is_attached(p)}
        host = {one.id for one in self._memory.mirror.all_sandboxes() if port_of(one) is None}
        return on_network | host
