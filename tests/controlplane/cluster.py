"""A whole control plane in the test's process: real store, real API chain, controllers, scheduler.

Nodes are objects with a Lease, written through the API as an agent would. A `Starter` is a client
that does what agents do for pods, as far as the API shows it: bound pods become Ready, deleted pods
go. Nothing here stands in for a part of the control plane.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path

from labctl import pki
from labctl.api.kinds.apps import DEPLOYMENTS
from labctl.api.kinds.coordination import LEASES
from labctl.api.kinds.core import CONFIGMAPS, NODES, PODS
from labctl.api.lab import LabSpec, Times, lab_configmap, numbered_nodes
from labctl.api.objects import (
    Obj,
    is_condition_true,
    is_deleting,
    name,
    namespace,
    now,
    now_micro,
    uid,
)
from labctl.api.resource import Resource
from labctl.apiserver.server import ApiServer
from labctl.client.cache import Cache
from labctl.client.client import Client
from labctl.controllers.writes import at_once
from labctl.controlplane.components import run_components
from labctl.errors import StatusError
from labctl.store.sqlite import SqliteStore

DEADLINE = 30.0


@dataclass
class Cluster:
    """What a test holds: the server, a client that may do everything, and what agents do."""

    server: ApiServer
    client: Client
    group: asyncio.TaskGroup
    tasks: list[asyncio.Task[None]] = field(default_factory=list)
    silent: set[str] = field(default_factory=set)
    """Nodes whose agent does nothing any more."""

    def follow(self, *caches: Cache) -> None:
        """Runs caches until the cluster ends."""
        self.start(*(cache.run() for cache in caches))

    def start(self, *parts: Coroutine[None, None, None]) -> None:
        self.tasks += (self.group.create_task(part) for part in parts)

    async def add_nodes(self, count: int, cpu: str = "8") -> None:
        for number in range(1, count + 1):
            await self._add_node(f"node{number}", number, cpu)

    async def _add_node(self, at: str, number: int, cpu: str) -> None:
        await self.client.create(NODES, _node(at, number, cpu))
        await self.client.create(LEASES, _lease(at))
        await self.until(NODES, at, "", lambda node: not node["spec"].get("taints"))

    async def heartbeat(self, seconds: float) -> None:
        """Renews the Leases of all nodes that are not silent, as agents do."""
        tick = asyncio.Event()
        loop = asyncio.get_running_loop()
        while True:
            for node in (await self.client.list(NODES)).items:
                if name(node) not in self.silent:
                    await self._renew(node)
            tick.clear()
            loop.call_later(seconds, tick.set)
            await tick.wait()

    async def _renew(self, node: Obj) -> None:
        patch = {"spec": {"renewTime": now_micro()}}
        await self.client.patch(LEASES, name(node), patch, "kube-node-lease")
        ready = node["status"]["conditions"][0]
        if ready["status"] != "True":
            await self.client.patch(NODES, name(node), _ready(), subresource="status")

    async def until(
        self,
        resource: Resource,
        at: str,
        space: str,
        wish: Callable[[Obj], bool],
        seconds: float = DEADLINE,
    ) -> Obj:
        """The object as soon as the wish holds of it; an object that is not there fails it."""
        async with asyncio.timeout(seconds):
            while True:
                async for event in self.client.watch(resource, space, fields=f"metadata.name={at}"):
                    if event.type in ("ADDED", "MODIFIED") and wish(event.object):
                        return event.object

    async def until_all(
        self,
        resource: Resource,
        space: str,
        wish: Callable[[list[Obj]], bool],
        seconds: float = DEADLINE,
    ) -> list[Obj]:
        """All objects of a namespace as soon as the wish holds of them together."""
        cache = Cache(self.client, resource, space)
        changed = asyncio.Event()
        cache.subscribe(lambda _old, _new: changed.set())
        task = asyncio.create_task(cache.run())
        try:
            async with asyncio.timeout(seconds):
                await cache.synced()
                while not wish(list(cache.objects.values())):
                    changed.clear()
                    await changed.wait()
        finally:
            task.cancel()
        return list(cache.objects.values())

    async def deploy(self, at: str, replicas: int, image: str = "nginx:1", **spec: object) -> Obj:
        return await self.client.create(DEPLOYMENTS, deployment(at, replicas, image, **spec))

    async def available(self, at: str, replicas: int) -> Obj:
        """The Deployment once that many replicas, all of its newest template, are available."""
        return await self.until(
            DEPLOYMENTS,
            at,
            "default",
            lambda one: is_rolled_out(one, replicas),
        )


class Starter:
    """Does for pods on live nodes what agents do, as seen through the API."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._client = cluster.client
        self._cache = Cache(cluster.client, PODS)
        self._todo: dict[str, Obj] = {}
        self._wake = asyncio.Event()
        self._cache.subscribe(self._changed)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._cache.run())
            group.create_task(self._work())

    def _changed(self, _: Obj | None, new: Obj | None) -> None:
        if new is None or new["spec"].get("nodeName", "") in ("", *self._cluster.silent):
            return
        # Not Ready on a live node: a stall let the node look silent, and an agent would say so.
        if is_deleting(new) or not is_condition_true(new, "Ready"):
            self._todo[uid(new)] = new
            self._wake.set()

    async def _work(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            pods, self._todo = list(self._todo.values()), {}
            await at_once(self._handle, pods)

    async def _handle(self, pod: Obj) -> None:
        with contextlib.suppress(StatusError):  # changed or gone meanwhile: the watch tells
            if is_deleting(pod):
                await self._client.delete(PODS, name(pod), namespace(pod), grace=0, uid=uid(pod))
            else:
                await self._client.patch(
                    PODS,
                    name(pod),
                    {"metadata": {"uid": uid(pod)}, "status": _running(pod)},
                    namespace(pod),
                    subresource="status",
                    type="strategic",
                )


@contextlib.asynccontextmanager
async def running_cluster(
    directory: Path, nodes: int = 3, times: Times | None = None, *, starter: bool = True
) -> AsyncIterator[Cluster]:
    """A control plane with ready nodes; ends without leaving a task behind."""
    times = times or Times()
    keys = directory / "pki"
    pki.ensure_authority(keys)
    pki.ensure_signing_key(keys)
    store = SqliteStore.open(directory / "store.db")
    server = ApiServer(store, pki=keys)
    await server.start()
    client = Client(server.local_transport("test", ("system:masters",)))
    lab = LabSpec("test", numbered_nodes(max(1, nodes)), times=times)
    await client.create(CONFIGMAPS, lab_configmap(lab))
    try:
        async with asyncio.TaskGroup() as group:
            cluster = Cluster(server, client, group)
            cluster.start(run_components(server, keys))
            await cluster.add_nodes(nodes)
            cluster.start(cluster.heartbeat(times.heartbeat_seconds))
            if starter:
                cluster.start(Starter(cluster).run())
            yield cluster
            for task in cluster.tasks:
                task.cancel()
    finally:
        await server.stop()
        await store.close()


def deployment(at: str, replicas: int, image: str = "nginx:1", **spec: object) -> Obj:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": at, "namespace": "default"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": at}},
            "template": {
                "metadata": {"labels": {"app": at}},
                "spec": {"containers": [{"name": "web", "image": image}]},
            },
            **spec,
        },
    }


def is_rolled_out(one: Obj, replicas: int) -> bool:
    """As `rollout status` sees it."""
    status = one.get("status") or {}
    counts = ("replicas", "updatedReplicas", "availableReplicas")
    return (
        one["spec"]["replicas"] == replicas
        and status.get("observedGeneration", 0) >= one["metadata"]["generation"]
        and all(status.get(count, 0) == replicas for count in counts)
    )


def _node(at: str, number: int, cpu: str) -> Obj:
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": at, "labels": {"kubernetes.io/hostname": at}},
        "status": {
            "addresses": [{"type": "InternalIP", "address": f"172.30.1.{number}"}],
            "capacity": {"cpu": cpu, "memory": "16Gi", "pods": "1000"},
            "allocatable": {"cpu": cpu, "memory": "16Gi", "pods": "1000"},
            **_ready()["status"],
        },
    }


def _ready() -> Obj:
    ready = {
        "type": "Ready",
        "status": "True",
        "reason": "KubeletReady",
        "message": "kubelet is posting ready status",
        "lastHeartbeatTime": now(),
        "lastTransitionTime": now(),
    }
    return {"status": {"conditions": [ready]}}


def _lease(at: str) -> Obj:
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": at, "namespace": "kube-node-lease"},
        "spec": {"holderIdentity": at, "leaseDurationSeconds": 40, "renewTime": now_micro()},
    }


def _running(pod: Obj) -> Obj:
    ready = {"type": "Ready", "status": "True", "lastTransitionTime": now()}
    container = {
        "name": pod["spec"]["containers"][0]["name"],
        "image": pod["spec"]["containers"][0]["image"],
        "imageID": "",
        "ready": True,
        "restartCount": 0,
        "state": {"running": {"startedAt": now()}},
    }
    return {
        "phase": "Running",
        "conditions": [ready, {**ready, "type": "ContainersReady"}],
        "containerStatuses": [container],
        "startTime": now(),
    }
