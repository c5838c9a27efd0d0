"""Keeps a node's network up with the cluster: the lab's spec, the Nodes, the sandboxes that run."""

import asyncio
from collections.abc import Callable

from labctl.client.cache import Cache
from labctl.client.reconciler import Reconciler
from labctl.errors import LabError
from labctl.node.lab_settings import LabSettings
from labctl.node.network import Network
from labctl.node.network_watcher import NetworkWatcher
from labctl.node.pod_network import PodNetwork
from labctl.node.pods.memory import PodMemory
from labctl.node.runtime_link import RuntimeLink
from labctl.node.snapshot import Snapshot, snapshot

_KEY = "network"
_SECONDS_A_NODE = 0.001


class NetworkSync:
    """Updates `network` when the cluster changed; `changed()` is told when that changed its state."""

    def __init__(
        self,
        network: Network,
        pods: PodNetwork,
        watcher: NetworkWatcher,
        settings: LabSettings,
        nodes: Cache,
        memory: PodMemory,
        link: RuntimeLink,
        changed: Callable[[], None],
    ) -> None:
        self._network = network
        self._pods = pods
        self._watcher = watcher
        self._settings = settings
        self._nodes = nodes
        self._memory = memory
        self._link = link
        self._changed = changed
        self._synced = False
        self.lacks_cidr = False
        """Whether it waits for what nobody here can hasten: pods are to be told."""
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
        before = self._pods.problem
        try:
            if wanted != self._done and self._can_update(wanted):
                await self._update(wanted)
        finally:
            if self._pods.problem != before:
                self._changed()

    def _can_update(self, wanted: Snapshot) -> bool:
        """Whether enough is known: what is not known of yet must not look as if it were gone."""
        if not self._link.seen:
            self._network.problem = "the container runtime has not answered yet"
        elif not wanted.node(self._network.node).pod_cidr:
            self._network.problem = "the node has no podCIDR yet"
            self.lacks_cidr = self._synced
        else:
            self.lacks_cidr = False
            return self._synced
        return False

    async def _update(self, wanted: Snapshot) -> None:
        """The first time, what pods had before the agent was started is taken over."""
        try:
            if self._done is None:
                await self._begin(wanted)
            else:
                self._network.update(wanted)
        except LabError as error:
            self._network.problem = error.message
            raise
        self._done = wanted

    async def _begin(self, wanted: Snapshot) -> None:
        sandboxes = self._memory.mirror.all_sandboxes()
        on_host = {one.id for one in sandboxes if one.config.host_network}
        others = [one for one in sandboxes if one.id not in on_host]
        self._memory.attached |= on_host | await self._pods.begin(wanted, others)
