"""labctl's own pod network: a veth pair into the node's bridge, an address of the node's podCIDR."""

import contextlib
from collections.abc import AsyncIterator, Iterable, Sequence

from labctl.cri.messages import Sandbox
from labctl.node.network import Network
from labctl.node.network_watcher import NetworkWatcher
from labctl.node.snapshot import PodPort, Snapshot, port_of


class BuiltinNetwork:
    """A PodNetwork, of which the node's network does the work."""

    def __init__(self, network: Network, watcher: NetworkWatcher) -> None:
        self._network = network
        self._watcher = watcher

    @property
    def problem(self) -> str:
        return self._network.problem

    async def begin(self, snapshot: Snapshot, sandboxes: Sequence[Sandbox]) -> set[str]:
        ports = list(_ports(sandboxes, "ready"))
        self._network.adopt(ports, _ports(sandboxes, "notready"))
        self._network.update(snapshot)
        return {port.sandbox for port in ports if self._network.is_attached(port)}

    async def run(self) -> None:
        """Nobody has to be asked."""

    def reserve(self, sandbox_id: str) -> str:
        return self._network.take_address(sandbox_id)

    def release(self, sandbox_id: str) -> None:
        self._network.release_address(sandbox_id)

    async def attach(self, sandbox: Sandbox) -> Sandbox:
        port = port_of(sandbox)
        if port is not None:
            self._network.attach(port)
        return sandbox

    @contextlib.asynccontextmanager
    async def departure(self, sandbox: Sandbox) -> AsyncIterator[None]:
        port = port_of(sandbox)
        if port is None:
            yield
            return
        async with self._watcher.departure(port):
            yield
        self._network.release_address(sandbox.id)

    def forget(self, pod_uid: str) -> None:
        """Frees what sandboxes may have that were asked for and never seen."""
        self._network.release_pod(pod_uid)


def _ports(sandboxes: Iterable[Sandbox], state: str) -> Iterable[PodPort]:
    """Oldest sandbox first, so that the next address is taken behind the newest."""
    in_order = sorted(sandboxes, key=lambda one: one.created_at)
    ports = (port_of(one) for one in in_order if one.state == state)
    return (port for port in ports if port is not None)
