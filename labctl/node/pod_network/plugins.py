"""CNI plugins as the pod network of a node.

The agent is the runtime of CNI's specification: it calls ADD for a sandbox that runs already, notes
the address that comes back with the runtime, and calls DEL before the sandbox ends. Plugins run in
the node's network namespace, as daemons on a real node would have it; what the reference plugins
keep on disk is kept for each node apart.
"""

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence

from labctl import names
from labctl.api.lab.cni import CniSpec, versions
from labctl.cni import config
from labctl.cni.chain import Chain, choose_version
from labctl.cni.config import Attachment
from labctl.cni.errors import CniError
from labctl.cni.records import Record, Records
from labctl.cni.results import host_interfaces, pod_address
from labctl.cri.client import RuntimeClient
from labctl.cri.messages import Sandbox
from labctl.node.network import Network, NetworkNotReady
from labctl.node.network_watcher import NetworkWatcher
from labctl.node.pod_namespaces import set_up_loopback
from labctl.node.pod_network.capabilities import arguments, capabilities
from labctl.node.pod_network.plugin_watch import PluginWatch
from labctl.node.snapshot import Snapshot

_AT_ONCE = 4  # plugins of one node that run at the same time: a chain forks a dozen programs
_STATUS_SECONDS = 10.0
_RETRY_SECONDS = 1.0

_log = logging.getLogger(__name__)


class PluginNetwork:
    """A PodNetwork.

    `changed()` is told when `problem` changed, `lost(id)` of a sandbox that is off the network
    though nobody took it off, `told(id, sentence)` of a pod's side that was mended.
    """

    def __init__(
        self,
        lab: str,
        spec: CniSpec,
        network: Network,
        watcher: NetworkWatcher,
        runtime: RuntimeClient,
        changed: Callable[[], None],
        lost: Callable[[str], None],
        told: Callable[[str, str], None],
    ) -> None:
        self._spec = spec
        self._network = network
        self._runtime = runtime
        self._changed = changed
        self._lost = lost
        self._watch = PluginWatch(watcher, self._turn, lost, told)
        self._directory = names.cni_dir(lab, network.node)
        self._records = Records(self._directory / "attachments")
        self._chain: Chain | None = None
        self._status = "the CNI plugins have not been asked yet"
        self._snapshot: Snapshot | None = None
        self._sandboxes: Sequence[Sandbox] = ()
        self._set_up = asyncio.Event()
        self._begun = asyncio.Event()
        self._places = asyncio.Semaphore(_AT_ONCE)
        self._busy: set[str] = set()

    @property
    def problem(self) -> str:
        return self._network.problem or self._status

    async def begin(self, snapshot: Snapshot, sandboxes: Sequence[Sandbox]) -> set[str]:
        """Plugins are asked later, by `run`: one that hangs must not hold up the node's network."""
        self._network.update(snapshot)
        self._snapshot, self._sandboxes = snapshot, sandboxes
        self._records.load()
        self._set_up.set()
        return {one.id for one in sandboxes if _is_attached(self._records.get(one.id), one)}

    async def run(self) -> None:
        await self._set_up.wait()
        self._chain = await self._first_chain()
        await self._ask_status()
        await self._take_over()
        await self._collect()
        self._begun.set()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._watch.run(self._plugins))
            group.create_task(self._keep_asking())

    async def _keep_asking(self) -> None:
        while True:
            await asyncio.sleep(_RETRY_SECONDS if self._status else _STATUS_SECONDS)
            await self._ask_status()

    async def _first_chain(self) -> Chain:
        """Plugins that do not fit the list may be replaced by others meanwhile."""
        while True:
            try:
                return await self._make_chain()
            except CniError as error:
                self._tell(error.message)
            await asyncio.sleep(_RETRY_SECONDS)

    async def _make_chain(self) -> Chain:
        spec, snapshot = self._spec, self._snapshot
        assert snapshot is not None
        pod_cidr = snapshot.node(self._network.node).pod_cidr
        node = config.Node(pod_cidr, snapshot.pod_mtu, str(self._directory))
        conflist = config.on_node(spec.conflist, node)
        version = await choose_version(conflist, versions(spec.conflist), spec.directories)
        return Chain(conflist, version, spec.directories, spec.timeout_seconds)

    async def _ask_status(self) -> None:
        try:
            await self._plugins.status()
        except CniError as error:
            returned = f"Network plugin returns error: {error.message}"
            self._tell(f"NetworkReady=false reason:NetworkPluginNotReady message:{returned}")
        else:
            self._tell("")

    def _tell(self, status: str) -> None:
        if status != self._status:
            self._status = status
            self._changed()

    async def _take_over(self) -> None:
        """Looks after what an earlier agent attached, and deletes what is left of others."""
        there = {one.id: one for one in self._sandboxes}
        records = self._records.all()
        gone = [one for one in records if one.container_id not in there]
        attached = [one for one in records if _is_attached(one, there.get(one.container_id))]
        works = [*map(self._delete_leftover, gone), *map(self._look_after, attached)]
        await asyncio.gather(*map(self._in_place, works))

    async def _in_place(self, work: Coroutine[None, None, None]) -> None:
        async with self._places:
            await work

    async def _delete_leftover(self, record: Record) -> None:
        try:
            await self._delete(record)
        except CniError as error:
            _log.warning("of sandbox %s, which is gone: %s", record.container_id, error.message)

    async def _collect(self) -> None:
        try:
            await self._plugins.collect([record.attachment for record in self._records.all()])
        except CniError as error:
            _log.warning("%s", error.message)

    def reserve(self, sandbox_id: str) -> str:  # noqa: ARG002 - the plugin chooses
        if self.problem:
            raise NetworkNotReady(f"network is not ready: {self.problem}")
        return ""

    def release(self, sandbox_id: str) -> None:
        """Nothing was taken."""

    async def attach(self, sandbox: Sandbox) -> Sandbox:
        async with self._turn(sandbox.id):
            try:
                address = await self._add(sandbox)
            except CniError as error:
                where = f'failed to setup network for sandbox "{sandbox.id}"'
                raise CniError(f"{where}: {error.message}", error.code) from error
        return await self._runtime.update_pod_sandbox(sandbox.id, address)

    async def _add(self, sandbox: Sandbox) -> str:
        """ADD; what an earlier attempt left is deleted first, as the specification demands."""
        left = self._records.get(sandbox.id)
        if left is not None:
            await self._delete_leftover(left)
        told = capabilities(sandbox.config)
        attachment = Attachment(
            sandbox.id, sandbox.netns, args=arguments(sandbox), capabilities=told
        )
        record = Record(attachment, set_up_loopback(sandbox.netns))
        self._records.put(record)
        result = await self._plugins.add(attachment)
        self._records.put(Record(attachment, record.inode, result))
        address = self._own_address(record, pod_address(result))
        self._watch.follow(self._records.get(sandbox.id) or record)
        return address

    def _own_address(self, record: Record, address: str) -> str:
        """Raises CniError when another sandbox of the node has it."""
        for other in self._records.all():
            if other.container_id == record.container_id or other.result is None:
                continue
            if pod_address(other.result) == address:
                self._records.put(record)  # without result: never rely on it
                owner = dict(other.attachment.args)
                pod = f"{owner.get('K8S_POD_NAMESPACE')}/{owner.get('K8S_POD_NAME')}"
                raise CniError(f"the plugins gave {address}, which pod {pod} has")
        return address

    @contextlib.asynccontextmanager
    async def departure(self, sandbox: Sandbox) -> AsyncIterator[None]:
        self._watch.unfollow(sandbox.id)
        async with self._turn(sandbox.id):
            record = self._records.get(sandbox.id)
            if record is not None and record.result is None:
                await self._delete_leftover(record)
            elif record is not None:
                await self._delete_attached(record)
        yield

    async def _delete_attached(self, record: Record) -> None:
        try:
            await self._delete(record)
        except CniError as error:
            where = f'failed to destroy network for sandbox "{record.container_id}"'
            raise CniError(f"{where}: {error.message}", error.code) from error

    async def _delete(self, record: Record) -> None:
        """DEL; a namespace that is gone, or another one by now, is not named to plugins."""
        attachment = record.attachment
        if _inode(attachment.netns) != record.inode:
            attachment = Attachment(
                attachment.container_id,
                "",
                args=attachment.args,
                capabilities=attachment.capabilities,
            )
        await self._plugins.delete(attachment, record.result)
        self._records.remove(record.container_id)

    def forget(self, pod_uid: str) -> None:
        """Records go with DEL, and not before."""

    def link_gone(self, name: str) -> None:
        """A link of the node is gone, perhaps one that a plugin had made; "": look which are."""
        for record in self._records.all():
            if record.container_id in self._busy or record.result is None:
                continue
            made = host_interfaces(record.result)
            if name in made or not (name or all(map(self._network.has_link, made))):
                self._lost(record.container_id)

    async def _look_after(self, record: Record) -> None:
        """CHECK of a sandbox that was attached before this agent lived.

        What a plugin complains about is told. Only a link that is gone proves that the sandbox is
        off the network: there are plugins whose CHECK nobody has ever called.
        """
        result = record.result or {}
        try:
            await self._plugins.check(record.attachment, result)
        except CniError as error:
            _log.warning("sandbox %s: %s", record.container_id, error.message)
        if not all(map(self._network.has_link, host_interfaces(result))):
            self._lost(record.container_id)
        else:
            self._watch.follow(record)

    @contextlib.asynccontextmanager
    async def _turn(self, sandbox_id: str) -> AsyncIterator[None]:
        """When plugins may be called for a sandbox: not during GC, and few at a time."""
        await self._begun.wait()
        async with self._places:
            self._busy.add(sandbox_id)
            try:
                yield
            finally:
                self._busy.discard(sandbox_id)

    @property
    def _plugins(self) -> Chain:
        assert self._chain is not None
        return self._chain


def _is_attached(record: Record | None, sandbox: Sandbox | None) -> bool:
    """Whether ADD was done, and the runtime knows of it."""
    if record is None or record.result is None or sandbox is None or sandbox.state != "ready":
        return False
    return pod_address(record.result) == sandbox.config.ip


def _inode(netns: str) -> int:
    try:
        return os.stat(netns).st_ino
    except OSError:
        return 0
