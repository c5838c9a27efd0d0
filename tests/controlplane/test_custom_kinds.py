"""Custom objects own and are owned, and go with their namespace, as all objects."""

import asyncio
from pathlib import Path

from labctl.api.custom.definition import defined_resources
from labctl.api.defaults import set_defaults
from labctl.api.kinds.apiextensions import CUSTOMRESOURCEDEFINITIONS as CRDS
from labctl.api.kinds.core import CONFIGMAPS, NAMESPACES
from labctl.api.objects import Obj, is_condition_true, owner_reference
from labctl.api.resource import Resource
from labctl.client.wait import wait_for
from tests.api.custom_samples import crontab, definition
from tests.controlplane.cluster import Cluster, running_cluster

CRONTABS = defined_resources(set_defaults(CRDS, definition()))[0]
NAME = "crontabs.stable.example.com"


async def define(cluster: Cluster) -> None:
    await cluster.client.create(CRDS, definition())
    await cluster.until(CRDS, NAME, "", lambda crd: is_condition_true(crd, "Established"))


async def gone(cluster: Cluster, resource: Resource, name: str, space: str = "default") -> None:
    await wait_for(cluster.client, resource, name, space, lambda obj: obj is None, 20)


def owned(name: str, owner: Obj) -> Obj:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": name,
            "namespace": "default",
            "ownerReferences": [owner_reference(owner)],
        },
    }


def test_what_a_custom_object_owns_goes_with_it_and_the_other_way_round(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running_cluster(tmp_path, 0) as cluster:
            await define(cluster)
            owner = await cluster.client.create(CRONTABS, crontab("owner"))
            await cluster.client.create(CONFIGMAPS, owned("mine", owner))
            child = crontab("child")
            child["metadata"]["ownerReferences"] = [owner_reference(owner)]
            await cluster.client.create(CRONTABS, child)
            await cluster.client.delete(CRONTABS, "owner", "default")
            await gone(cluster, CONFIGMAPS, "mine")
            await gone(cluster, CRONTABS, "child")

    asyncio.run(scenario())


def test_foreground_and_orphan_hold_for_custom_objects(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running_cluster(tmp_path, 0) as cluster:
            await define(cluster)
            client = cluster.client
            for name, propagation in (("first", "Foreground"), ("second", "Orphan")):
                owner = await client.create(CRONTABS, crontab(name))
                child = crontab(f"{name}-child")
                child["metadata"]["ownerReferences"] = [owner_reference(owner)]
                await client.create(CRONTABS, child)
                await client.delete(CRONTABS, name, "default", propagation=propagation)
                await gone(cluster, CRONTABS, name)
            left = (await client.list(CRONTABS)).items
            assert [one["metadata"]["name"] for one in left] == ["second-child"]
            assert "ownerReferences" not in left[0]["metadata"]

    asyncio.run(scenario())


def test_a_namespace_takes_its_custom_objects_along(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running_cluster(tmp_path, 0) as cluster:
            await define(cluster)
            space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "team"}}
            await cluster.client.create(NAMESPACES, space)
            mine = crontab()
            mine["metadata"]["namespace"] = "team"
            await cluster.client.create(CRONTABS, mine)
            await cluster.client.delete(NAMESPACES, "team")
            await gone(cluster, NAMESPACES, "team", "")
            assert (await cluster.client.list(CRONTABS)).items == []

    asyncio.run(scenario())


def test_what_was_owned_goes_when_the_kind_itself_goes_and_comes_back(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running_cluster(tmp_path, 0) as cluster:
            for _ in range(2):
                await define(cluster)
                owner = await cluster.client.create(CRONTABS, crontab("owner"))
                await cluster.client.create(CONFIGMAPS, owned("mine", owner))
                await cluster.client.delete(CRDS, NAME)
                await gone(cluster, CRDS, NAME, "")
                await gone(cluster, CONFIGMAPS, "mine")

    asyncio.run(scenario())
