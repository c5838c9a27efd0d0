"""A node's agent: its kubelet and network plugin, composed from their parts.

Everything meets here and nothing is decided here. What the API says comes in through caches, what
the runtime has through its mirror; both only mark what has to be looked at. The caller is in the
node's network namespace and stays there.
"""

import asyncio
import ssl
from collections.abc import Coroutine

from labctl import names
from labctl.api.kinds.core import NODES, PODS
from labctl.api.lab import LabSpec, node_address
from labctl.api.objects import Obj, is_deleting, name, uid
from labctl.cgroups.hierarchies import read_hierarchies
from labctl.client.cache import Cache
from labctl.client.client import Client
from labctl.client.events import EventRecorder
from labctl.cri.client import RuntimeClient
from labctl.errors import BadInput
from labctl.net.netlink import Netlink
from labctl.node.background import Background
from labctl.node.forwards import Forwards
from labctl.node.lab_settings import LabSettings
from labctl.node.machine import Machine
from labctl.node.network import Network
from labctl.node.network_sync import NetworkSync
from labctl.node.network_watcher import NetworkWatcher
from labctl.node.node_object import capacity
from labctl.node.node_reporter import NodeReporter
from labctl.node.place import Place
from labctl.node.pod_network import PodNetwork
from labctl.node.pod_network.builtin import BuiltinNetwork
from labctl.node.pods.containers import ContainerExecutor
from labctl.node.pods.executor import Executor
from labctl.node.pods.facts import is_host_network
from labctl.node.pods.memory import PodMemory
from labctl.node.pods.mirror import RuntimeMirror
from labctl.node.pods.objects import PodObjects, lean
from labctl.node.pods.status_writer import StatusWriter
from labctl.node.pods.teller import HEALED, PodTeller
from labctl.node.pods.worker import PodWorker
from labctl.node.probes.prober import Prober
from labctl.node.registration import Identity, keep_lease, register
from labctl.node.runtime_link import RuntimeLink
from labctl.node.server.app import AgentServer, server_tls
from labctl.node.server.lookup import Containers
from labctl.node.snapshot import PodPort, node_place, node_with_place
from labctl.node.stats.starts import PodStarts
from labctl.node.stats.summary import NodeStats
from labctl.node.volumes.upkeep import VolumeUpkeep

_NOT_SET_UP = ("the agent has only just been started",)


async def serve(lab: str, node: str, client: Client, runtime: RuntimeClient) -> None:
    """Registers the node and keeps it, until cancelled or a bug ends it."""
    settings = LabSettings(client)
    async with asyncio.TaskGroup() as group:
        group.create_task(settings.run())
        identity = _identity(await settings.known(), node)
        registered = await register(client, identity, _NOT_SET_UP)
        place = Place(lab, node, identity.address, capacity(identity.machine))
        agent = Agent(place, client, runtime, settings, registered, identity)
        try:
            await agent.run()
        finally:
            await agent.close()


def _identity(spec: LabSpec, node: str) -> Identity:
    node_spec = next((one for one in spec.nodes if one.name == node), None)
    if node_spec is None:
        raise BadInput(f"the lab has no node {node}")
    return Identity(node_spec, node_address(spec, node), Machine.here())


class Agent:
    """The agent of one registered node."""

    def __init__(
        self,
        place: Place,
        client: Client,
        runtime: RuntimeClient,
        settings: LabSettings,
        registered: Obj,
        identity: Identity,
    ) -> None:
        self._place = place
        self._client = client
        self._settings = settings
        self._registered = registered
        self._recorder = EventRecorder(client, "kubelet", place.node)
        self._pods = Cache(client, PODS, fields=f"spec.nodeName={place.node}", keep=lean)
        self._nodes = Cache(client, NODES, keep=self._keep_of_node)
        self._complete = False

        self._mirror = RuntimeMirror(self._pod_changed)
        self._memory = PodMemory(self._mirror, settings.crash_delays)
        self._objects = PodObjects(self._pod_changed)
        self._link = RuntimeLink(
            runtime,
            place.node,
            self._mirror,
            self._runtime_changed,
            self._images_changed,
            self._sandbox_healed,
        )
        self._reporter = NodeReporter(
            client, self._recorder, registered, identity, self._problems, lambda: self._link.images
        )
        self._netlink = Netlink.here()
        self._network = Network(place.node, self._netlink)
        self._watcher = NetworkWatcher(self._network, self._healed)
        self._pod_network = self._make_pod_network(runtime)
        self._network_sync = self._make_network_sync()
        self._status = StatusWriter(client, self._objects, self._memory, place.address)
        self._teller = PodTeller(self._recorder)
        self._prober = Prober(
            place.address, self._memory, self._objects, runtime, self._teller, self._pod_changed
        )
        self._volumes = VolumeUpkeep(
            place,
            client,
            self._objects,
            self._memory,
            self._teller,
            settings.heartbeat_seconds,
            self._pod_changed,
        )
        self._background = Background()
        self._forwards = Forwards()
        self._worker = PodWorker(self._make_executor(runtime), self._knows, self._worked_on)
        self._starts = PodStarts()
        stats = NodeStats(place.lab, place.node, self._mirror, self._starts)
        containers = Containers(self._memory, self._objects)
        self._server = AgentServer(containers, runtime, stats, self._forwards)

    def _make_pod_network(self, runtime: RuntimeClient) -> PodNetwork:
        spec = self._settings.spec.network.cni
        if spec is None:
            return BuiltinNetwork(self._network, self._watcher)
        from labctl.node.pod_network.plugins import PluginNetwork

        plugins = PluginNetwork(
            self._place.lab,
            spec,
            self._network,
            self._watcher,
            runtime,
            self._network_changed,
            self._mirror.declare_dead,
            self._sandbox_healed,
        )
        self._watcher.strangers = plugins.link_gone
        return plugins

    def _make_network_sync(self) -> NetworkSync:
        return NetworkSync(
            self._network,
            self._pod_network,
            self._watcher,
            self._settings,
            self._nodes,
            self._memory,
            self._link,
            self._network_changed,
        )

    def _make_executor(self, runtime: RuntimeClient) -> Executor:
        return Executor(
            self._place,
            self._client,
            runtime,
            self._pod_network,
            self._memory,
            self._objects,
            self._status,
            self._teller,
            self._make_containers(runtime),
            self._forwards,
        )

    def _make_containers(self, runtime: RuntimeClient) -> ContainerExecutor:
        return ContainerExecutor(
            self._place,
            self._client,
            runtime,
            self._memory,
            self._volumes.tokens,
            self._teller,
            self._background,
            self._pod_changed,
            self._settings.only_images,
        )

    async def run(self) -> None:
        """Works until cancelled."""
        self._reporter.started(read_hierarchies().missing)
        self._settings.subscribe(self._network_sync.mark)
        self._settings.subscribe(self._images_changed)
        self._nodes.subscribe(self._node_changed)
        self._pods.subscribe(self._objects.watched)
        self._pods.subscribe(self._starts.watched)
        beat = self._settings.heartbeat_seconds
        self._server.listen(self._place.address)
        async with asyncio.TaskGroup() as group:
            for work in (*self._works(), self._reporter.run(beat)):
                group.create_task(work)
            group.create_task(keep_lease(self._client, self._registered, beat))
            await self._pods.synced()
            self._complete = True
            self._worker.mark_all()

    def _works(self) -> tuple[Coroutine[None, None, None], ...]:
        return (
            self._recorder.run(),
            self._pods.run(),
            self._nodes.run(),
            self._link.run(),
            self._network_sync.run(),
            self._pod_network.run(),
            self._worker.run(),
            self._status.run(),
            self._watcher.run(),
            self._volumes.run(),
            self._server.run(self._tls),
        )

    def _tls(self) -> ssl.SSLContext:
        return server_tls(names.pki_dir(self._place.lab), f"node-{self._place.node}")

    async def close(self) -> None:
        await self._server.close()
        await self._prober.close()
        await self._volumes.close()
        await self._background.close()
        self._watcher.close()
        self._netlink.close()

    def _knows(self, pod: Obj | None) -> bool:
        """Whether a pod can be judged: by what the runtime has, and what the API has.

        A pod that is to run on the pod network also waits until that has taken over the ports that
        are there; one that has none yet is told if that may take long.
        """
        if not self._link.seen:
            return False
        if pod is None:
            return self._complete
        if self._network_sync.adopted or is_deleting(pod) or is_host_network(pod):
            return True
        return self._network_sync.lacks_cidr and not self._mirror.sandboxes(uid(pod))

    def _pod_changed(self, pod_uid: str) -> None:
        self._worker.mark(pod_uid)

    def _worked_on(self, pod_uid: str) -> None:
        self._status.mark(pod_uid)
        self._prober.look(pod_uid)
        self._volumes.look(pod_uid)

    def _keep_of_node(self, node: Obj) -> Obj:
        """Of the others, of whom there can be many, only where they are."""
        return node if name(node) == self._place.node else node_with_place(node)

    def _node_changed(self, old: Obj | None, new: Obj | None) -> None:
        if old is None or new is None or node_place(old) != node_place(new):
            self._network_sync.node_changed()
        if new is not None and name(new) == self._place.node:
            self._reporter.watched(new)

    def _runtime_changed(self) -> None:
        self._network_sync.mark()
        self._reporter.mark()

    def _images_changed(self) -> None:
        for pod_uid in self._memory.images_changed():
            self._worker.mark(pod_uid)
        self._reporter.mark()

    def _network_changed(self) -> None:
        self._worker.mark_all()
        self._reporter.mark()

    def _sandbox_healed(self, sandbox_id: str, sentence: str) -> None:
        sandbox = self._mirror.sandbox(sandbox_id)
        self._tell_healed(sentence, sandbox.config.uid if sandbox is not None else "")

    def _healed(self, sentence: str, port: PodPort | None) -> None:
        self._tell_healed(sentence, port.uid if port is not None else "")

    def _tell_healed(self, sentence: str, pod_uid: str) -> None:
        """Told of the pod, if nothing else was hurt; a sandbox can outlive its pod's object."""
        pod = self._objects.get(pod_uid)
        if pod is not None:
            self._teller.healed(pod, sentence)
        else:
            self._reporter.event("Warning", HEALED, sentence)

    def _problems(self) -> tuple[str, ...]:
        """Why no pod can be run, worded as a kubelet does."""
        problems = []
        if not self._link.connected:
            problems.append("container runtime is down")
        if self._pod_network.problem:
            problems.append(f"container runtime network not ready: {self._pod_network.problem}")
        return tuple(problems)
