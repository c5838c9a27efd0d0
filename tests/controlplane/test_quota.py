"""A quota's status follows what is there; a ReplicaSet says why it cannot make its pods."""

import asyncio
from pathlib import Path

from labctl.api.kinds.apps import DEPLOYMENTS, REPLICASETS
from labctl.api.kinds.core import RESOURCEQUOTAS
from labctl.api.objects import Obj, condition
from tests.controlplane.cluster import Cluster, running_cluster


def _quota(**hard: str) -> Obj:
    return {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "q", "namespace": "default"},
        "spec": {"hard": {name.replace("_", "/"): amount for name, amount in hard.items()}},
    }


async def _until_used(cluster: Cluster, **used: str) -> None:
    wanted = {name.replace("_", "/"): amount for name, amount in used.items()}
    await cluster.until(
        RESOURCEQUOTAS,
        "q",
        "default",
        lambda quota: (quota.get("status") or {}).get("used") == wanted,
    )


def test_what_is_used_is_told(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running_cluster(tmp_path) as cluster:
            await cluster.client.create(RESOURCEQUOTAS, _quota(pods="2", count_pods="9"))
            await _until_used(cluster, pods="0", count_pods="0")
            await cluster.deploy("web", 3)
            await _until_used(cluster, pods="2", count_pods="2")
            stuck = await cluster.until_all(REPLICASETS, "default", _cannot_create)
            message = (condition(stuck[0], "ReplicaFailure") or {})["message"]
            assert "exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2" in message
            more = {"spec": {"hard": {"pods": "5"}}}
            await cluster.client.patch(RESOURCEQUOTAS, "q", more, "default")
            await cluster.available("web", 3)
            await _until_used(cluster, pods="3", count_pods="3")
            await cluster.client.delete(DEPLOYMENTS, "web", "default")
            await _until_used(cluster, pods="0", count_pods="0")

    asyncio.run(scenario())


def _cannot_create(replicasets: list[Obj]) -> bool:
    return any(condition(one, "ReplicaFailure") for one in replicasets)
