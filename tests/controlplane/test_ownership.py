"""What is owned goes with its owner, in the order that the deletion asks for."""

import asyncio
from pathlib import Path

from labctl.api.kinds.apps import DEPLOYMENTS, REPLICASETS
from labctl.api.kinds.core import CONFIGMAPS, NAMESPACES, PODS
from labctl.api.objects import Obj, controller_of, name, owner_reference
from labctl.api.resource import Resource
from labctl.client.cache import Cache
from labctl.controllers.root_ca import ROOT_CA
from tests.controlplane.cluster import Cluster, deployment, running_cluster


def test_deleting_a_deployment_takes_its_replicasets_and_pods(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running_cluster(tmp_path) as cluster:
            await cluster.deploy("web", 3)
            await cluster.available("web", 3)
            await cluster.client.delete(DEPLOYMENTS, "web", "default")
            await _until_none(cluster, REPLICASETS, PODS)

    asyncio.run(scenario())


def test_foreground_deletion_ends_the_pods_before_the_deployment(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running_cluster(tmp_path) as cluster:
            await cluster.deploy("web", 3)
            await cluster.available("web", 3)
            order = _Order(cluster)
            await order.ready()
            await cluster.client.delete(DEPLOYMENTS, "web", "default", propagation="Foreground")
            await _until_none(cluster, PODS, REPLICASETS, DEPLOYMENTS)
            assert order.gone == ["Pod", "Pod", "Pod", "ReplicaSet", "Deployment"]

    asyncio.run(scenario())


def test_orphaned_replicasets_live_on_and_are_taken_over(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running_cluster(tmp_path) as cluster:
            await cluster.deploy("web", 2)
            await cluster.available("web", 2)
            await cluster.client.delete(DEPLOYMENTS, "web", "default", propagation="Orphan")
            await _until_none(cluster, DEPLOYMENTS)
            (left,) = (await cluster.client.list(REPLICASETS, "default")).items
            assert controller_of(left) is None
            await cluster.deploy("web", 2)
            await cluster.available("web", 2)
            (adopted,) = (await cluster.client.list(REPLICASETS, "default")).items
            assert name(adopted) == name(left)
            assert controller_of(adopted) is not None

    asyncio.run(scenario())


def test_an_object_whose_owner_never_was_is_garbage(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running_cluster(tmp_path) as cluster:
            owner = await cluster.client.create(CONFIGMAPS, _configmap("owner"))
            await cluster.client.create(CONFIGMAPS, _configmap("kept", owner))
            stranger = {**owner, "metadata": {**owner["metadata"], "uid": "another"}}
            await cluster.client.create(CONFIGMAPS, _configmap("lost", stranger))
            both = _configmap("both", owner)
            both["metadata"]["ownerReferences"].append(owner_reference(stranger, controller=False))
            await cluster.client.create(CONFIGMAPS, both)
            await cluster.until_all(
                CONFIGMAPS,
                "default",
                lambda all_: {name(o) for o in all_} == {"owner", "kept", "both", ROOT_CA},
            )
            disowned = await cluster.until(
                CONFIGMAPS, "both", "default", lambda o: len(o["metadata"]["ownerReferences"]) == 1
            )
            assert disowned["metadata"]["ownerReferences"][0]["uid"] == owner["metadata"]["uid"]

    asyncio.run(scenario())


def test_a_namespace_that_is_deleted_is_emptied_first(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running_cluster(tmp_path) as cluster:
            await cluster.client.create(NAMESPACES, {"metadata": {"name": "shop"}})
            made = deployment("web", 2)
            made["metadata"]["namespace"] = "shop"
            await cluster.client.create(DEPLOYMENTS, made)
            await cluster.until_all(PODS, "shop", lambda pods: len(pods) == 2)
            await cluster.client.delete(NAMESPACES, "shop")
            await cluster.until_all(
                NAMESPACES, "", lambda all_: "shop" not in {name(n) for n in all_}
            )
            for resource in (PODS, REPLICASETS, DEPLOYMENTS):
                assert not (await cluster.client.list(resource, "shop")).items

    asyncio.run(scenario())


class _Order:
    """Notes the kinds of what is deleted, in the order of revisions."""

    def __init__(self, cluster: Cluster) -> None:
        self._gone: list[tuple[int, str]] = []
        self._caches = [Cache(cluster.client, one) for one in (DEPLOYMENTS, REPLICASETS, PODS)]
        for cache in self._caches:
            cache.subscribe(self._note)
        cluster.follow(*self._caches)

    @property
    def gone(self) -> list[str]:
        return [kind for _, kind in self._gone]

    async def ready(self) -> None:
        for cache in self._caches:
            await cache.synced()

    def _note(self, old: Obj | None, new: Obj | None) -> None:
        if old is not None and new is None:
            self._gone.append((len(self._gone), old["kind"]))


async def _until_none(cluster: Cluster, *resources: Resource) -> None:
    for resource in resources:
        await cluster.until_all(resource, "default", lambda objects: not objects)


def _configmap(at: str, owner: Obj | None = None) -> Obj:
    metadata: Obj = {"name": at, "namespace": "default"}
    if owner is not None:
        metadata["ownerReferences"] = [owner_reference(owner, controller=False)]
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
