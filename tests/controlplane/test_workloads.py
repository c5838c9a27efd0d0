"""DaemonSets and StatefulSets under a whole control plane."""

import asyncio
from pathlib import Path
from typing import Any

from labctl.api.kinds.apps import CONTROLLERREVISIONS, DAEMONSETS, STATEFULSETS
from labctl.api.kinds.core import NODES, PERSISTENTVOLUMECLAIMS, PODS
from labctl.api.objects import Obj, name
from labctl.api.resource import Resource
from tests.controlplane.cluster import Cluster, running_cluster


def workload(resource: Resource, image: str = "nginx:1", **spec: object) -> Obj:
    return {
        "apiVersion": "apps/v1",
        "kind": resource.kind,
        "metadata": {"name": "w", "namespace": "default"},
        "spec": {
            "selector": {"matchLabels": {"app": "w"}},
            "template": {
                "metadata": {"labels": {"app": "w"}},
                "spec": {"containers": [{"name": "web", "image": image}]},
            },
            **spec,
        },
    }


def images(pods: list[Obj]) -> set[str]:
    return {pod["spec"]["containers"][0]["image"] for pod in pods}


async def ready_daemons(cluster: Cluster, count: int) -> Obj:
    def is_ready(obj: Obj) -> bool:
        status = obj.get("status") or {}
        counts = ("desiredNumberScheduled", "updatedNumberScheduled", "numberAvailable")
        observed = status.get("observedGeneration", 0) >= obj["metadata"]["generation"]
        return observed and all(status.get(one, 0) == count for one in counts)

    return await cluster.until(DAEMONSETS, "w", "default", is_ready)


def test_a_daemonset_has_a_pod_on_every_node_and_rolls_over_them(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running_cluster(tmp_path) as cluster:
            await cluster.client.create(DAEMONSETS, workload(DAEMONSETS))
            await ready_daemons(cluster, 3)
            pods = (await cluster.client.list(PODS, "default")).items
            assert {pod["spec"]["nodeName"] for pod in pods} == {"node1", "node2", "node3"}
            patch = {"spec": {"unschedulable": True}}
            await cluster.client.patch(NODES, "node1", patch)
            template = workload(DAEMONSETS, "nginx:2")["spec"]["template"]
            await cluster.client.patch(DAEMONSETS, "w", {"spec": {"template": template}}, "default")
            await ready_daemons(cluster, 3)
            pods = (await cluster.client.list(PODS, "default")).items
            assert images(pods) == {"nginx:2"}
            revisions = (await cluster.client.list(CONTROLLERREVISIONS, "default")).items
            assert sorted(one["revision"] for one in revisions) == [1, 2]
            taint = {"spec": {"taints": [{"key": "mine", "effect": "NoExecute"}]}}
            await cluster.client.patch(NODES, "node2", taint, type="strategic")
            await ready_daemons(cluster, 2)

    asyncio.run(scenario())


def test_a_statefulset_keeps_its_names_through_an_update_and_shrinks_from_above(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        async with running_cluster(tmp_path) as cluster:
            claim = {
                "metadata": {"name": "data"},
                "spec": {
                    "accessModes": ["ReadWriteOnce"],
                    "resources": {"requests": {"storage": "1Gi"}},
                },
            }
            spec: Any = {"replicas": 3, "serviceName": "w", "volumeClaimTemplates": [claim]}
            await cluster.client.create(STATEFULSETS, workload(STATEFULSETS, **spec))
            await ready_members(cluster, 3)
            template = workload(STATEFULSETS, "nginx:2")["spec"]["template"]
            patch = {"spec": {"template": template}}
            await cluster.client.patch(STATEFULSETS, "w", patch, "default")
            done = await ready_members(cluster, 3)
            assert done["status"]["currentRevision"] == done["status"]["updateRevision"]
            pods = (await cluster.client.list(PODS, "default")).items
            assert {name(pod) for pod in pods} == {"w-0", "w-1", "w-2"}
            assert images(pods) == {"nginx:2"}
            await cluster.client.patch(STATEFULSETS, "w", {"spec": {"replicas": 1}}, "default")
            await ready_members(cluster, 1)
            left = (await cluster.client.list(PODS, "default")).items
            assert [name(pod) for pod in left] == ["w-0"]
            kept = (await cluster.client.list(PERSISTENTVOLUMECLAIMS, "default")).items
            assert len(kept) == 3

    asyncio.run(scenario())


async def ready_members(cluster: Cluster, count: int) -> Obj:
    def is_ready(obj: Obj) -> bool:
        status = obj.get("status") or {}
        observed = status.get("observedGeneration", 0) >= obj["metadata"]["generation"]
        counts = ("replicas", "readyReplicas", "updatedReplicas", "currentReplicas")
        return observed and all(status.get(one, 0) == count for one in counts)

    return await cluster.until(STATEFULSETS, "w", "default", is_ready)
