"""Keeps a node's network up with the cluster: the lab's spec, the Nodes, the sandboxes that run."""

import asyncio
from collections.abc import Callable

from labctl.client.cache import Cache
from labctl.client.reconciler import Reconciler
from labctl.errors import LabError
from labctl.node.lab_settings import LabSettings
from labctl.node.network import Network
from labctl.node.network_watcher import NetworkWatcher
from labctl.node.pods.memory import PodMemory
from labctl.node.runtime_link import RuntimeLink
from labctl.node.snapshot import PodPort, Snapshot, port_of, snapshot

_KEY = "network"
_SECONDS_A_NODE = 0.001


class NetworkSync:
    """Updates `network` when the cluster changed; `changed()` is told when that changed its state."""

    def __init__(
        self,
        network: Network,
        watcher: NetworkWatcher,
        settings: LabSettings,
        nodes: Cache,
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
        self._synced = False
        self._done: Snapshot | None = None
        self._queue = Reconciler("network", self._sync)

    @property
    def adopted(self) -> bool:
        """Whether the network was set up, with the ports that pods had already."""
        return self._done is not None

    def mark(self) -> None:
        self._queue.mark(_KEY)

    def node_changed(self) -> None:
        """A pass computes the whole network: the more nodes, the more changes share one pass."""
        self._queue.mark_after(_KEY, len(self._nodes.objects) * _SECONDS_A_NODE)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._queue.run())
            await self._nodes.synced()
            self._synced = True
            self.mark()

    async def _sync(self, _key: str) -> None:
        spec = self._settings.spec
        self._watcher.healing = spec.network.healing
        wanted = snapshot(spec, self._nodes.objects.values())
        if wanted == self._done or not self._can_update(wanted):
            return
        before = self._network.problem
        try:
            self._update(wanted)
        finally:
            if self._network.problem != before:
                self._changed()

    def _can_update(self, wanted: Snapshot) -> bool:
        """Whether enough is known: what is not known of yet must not look as if it were gone."""
        if not self._link.seen:
            self._network.problem = "the container runtime has not answered yet"
        elif not wanted.node(self._network.node).pod_cidr:
            self._network.problem = "the node has no podCIDR yet"
        else:
            return self._synced
        return False

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
