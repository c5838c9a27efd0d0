"""A whole agent on stage: real kernel, real runtime, a real API server in the same process.

Only the fabric is missing: the node's `eth0` leads to a second namespace and no further. The
event loop runs inside the node's namespace, as an agent's does.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from labctl import names, pki
from labctl.api.kinds.core import CONFIGMAPS, EVENTS, NODES, PODS
from labctl.api.lab import LabSpec, NetworkSpec, lab_configmap, numbered_nodes
from labctl.api.objects import Obj, is_condition_true
from labctl.api.resource import Resource
from labctl.apiserver.server import ApiServer
from labctl.client.client import Client
from labctl.cri.client import RuntimeClient
from labctl.errors import StatusError
from labctl.net.apply import apply
from labctl.net.netlink import Netlink
from labctl.net.nouns import Address
from labctl.net.operations import Create
from labctl.node.agent import serve
from labctl.store.sqlite import SqliteStore

DEADLINE_SECONDS = 20.0
NODE = "node1"
ADDRESS = "172.30.1.1"


class Scene:
    """The cluster as a test sees it: an admin's client, the runtime, and the agent to start."""

    def __init__(self, spec: LabSpec, admin: Client, runtime: RuntimeClient, agent: Client) -> None:
        self.spec = spec
        self.admin = admin
        self.runtime = runtime
        self._client = agent
        self._agent: asyncio.Task[None] | None = None

    def start_agent(self) -> None:
        self._agent = asyncio.create_task(serve(self.spec.name, NODE, self._client, self.runtime))

    async def end_agent(self) -> None:
        if self._agent is not None:
            self._agent.cancel()
            await asyncio.gather(self._agent, return_exceptions=True)
            self._agent = None

    async def until(
        self, resource: Resource, at: str, wanted: Callable[[Obj], bool], namespace: str = "default"
    ) -> Obj:
        """The object, as soon as it is as wanted; fails with the object after the deadline."""
        space = namespace if resource.namespaced else ""
        last: Obj = {}
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                events = self.admin.watch(resource, space, fields=f"metadata.name={at}")
                async for event in events:
                    last = event.object
                    if event.type in ("ADDED", "MODIFIED") and wanted(last):
                        return last
        except TimeoutError:
            self._fail_if_agent_ended()
            raise AssertionError(f"it did not come about: {last}") from None
        raise AssertionError("the watch ended")

    async def until_gone(self, resource: Resource, at: str) -> None:
        async with asyncio.timeout(DEADLINE_SECONDS):
            while True:
                try:
                    await self.admin.get(resource, at, "default")
                except StatusError as error:
                    if error.code != 404:
                        raise
                    return
                await turn()

    async def change_lab(self, **changes: Any) -> None:
        """Gives the lab's spec other values."""
        wanted = lab_configmap(replace(self.spec, **changes))
        name, news = wanted["metadata"]["name"], {"data": wanted["data"]}
        await self.admin.patch(CONFIGMAPS, name, news, "kube-system")

    async def ready(self, pod: str) -> Obj:
        return await self.until(PODS, pod, lambda obj: is_condition_true(obj, "Ready"))

    async def create(self, pod: str, *containers: Obj, **spec: object) -> None:
        """A pod, bound to the node."""
        obj: Obj = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": pod, "namespace": "default"},
            "spec": {"containers": list(containers), "nodeName": NODE, **spec},
        }
        await self.admin.create(PODS, obj)

    async def reasons(self, pod: str) -> list[str]:
        """The reasons of the pod's Events, in the order in which they were told."""
        events = (await self.admin.list(EVENTS, "default")).items
        own = [one for one in events if one["involvedObject"]["name"] == pod]
        return [
            one["reason"]
            for one in sorted(
                own, key=lambda one: int(one["metadata"]["name"].rpartition(".")[2], 16)
            )
        ]

    def _fail_if_agent_ended(self) -> None:
        if self._agent is not None and self._agent.done():
            self._agent.result()


async def turn() -> None:
    """A moment for everybody else, where nothing tells when it is time to look again."""
    loop = asyncio.get_running_loop()
    done = loop.create_future()
    loop.call_later(0.01, done.set_result, None)
    await done


@asynccontextmanager
async def on_stage(
    lab: str, database: Path, network: NetworkSpec | None = None
) -> AsyncIterator[Scene]:
    """To be run by a loop inside the node's namespace; the lab's runtime runs already."""
    spec = LabSpec(lab, numbered_nodes(2), network or NetworkSpec())
    _make_certificates(lab)
    with Netlink.here() as netlink:
        apply(netlink, [Create(Address("eth0", f"{ADDRESS}/16"))])
    store = SqliteStore.open(database)
    server = ApiServer(store, pki=names.pki_dir(lab))
    await server.start()
    admin = Client(server.local_transport("admin", ("system:masters",)))
    agent = Client(server.local_transport(f"system:node:{NODE}", ("system:nodes",)))
    await admin.create(CONFIGMAPS, lab_configmap(spec))
    runtime = RuntimeClient(names.runtime_socket(lab))
    scene = Scene(spec, admin, runtime, agent)
    try:
        yield scene
    finally:
        await scene.end_agent()
        await runtime.close()
        await server.stop()
        await store.close()


def _make_certificates(lab: str) -> None:
    directory = names.pki_dir(lab)
    pki.ensure_authority(directory)
    pki.ensure_signing_key(directory)
    pki.ensure_certificate(
        directory, f"node-{NODE}", f"system:node:{NODE}", ("system:nodes",), ips=(ADDRESS,)
    )
    pki.ensure_certificate(
        directory, "client", "kube-apiserver-kubelet-client", ("system:masters",)
    )


async def register(scene: Scene) -> Obj:
    """Starts the agent, gives its Node a podCIDR as the controller would, and waits for Ready."""
    scene.start_agent()
    await scene.until(NODES, NODE, lambda _: True)
    await scene.admin.patch(NODES, NODE, {"spec": {"podCIDR": "10.244.1.0/24", "taints": None}})
    return await scene.until(NODES, NODE, lambda obj: is_condition_true(obj, "Ready"))
