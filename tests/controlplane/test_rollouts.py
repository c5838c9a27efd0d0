"""Deployments from manifest to available pods, through the whole control plane."""

import asyncio
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from labctl.api.kinds.apps import DEPLOYMENTS, REPLICASETS
from labctl.api.kinds.core import EVENTS, PODS
from labctl.api.objects import (
    Obj,
    annotations,
    condition,
    controller_of,
    is_condition_true,
    is_deleting,
    name,
    uid,
)
from labctl.client.cache import Cache
from tests.controlplane.cluster import Cluster, running_cluster

_REVISION = "deployment.kubernetes.io/revision"


def test_a_deployment_of_three_becomes_available_on_three_nodes(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running_cluster(tmp_path) as cluster:
            await cluster.deploy("web", 3)
            done = await cluster.available("web", 3)
            pods = (await cluster.client.list(PODS, "default")).items
            assert {pod["spec"]["nodeName"] for pod in pods} == {"node1", "node2", "node3"}
            assert annotations(done)[_REVISION] == "1"
            assert done["metadata"]["generation"] == 1

    asyncio.run(scenario())


def test_many_pods_are_made_exactly_once_and_spread_evenly(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running_cluster(tmp_path) as cluster:
            seen = _Images(cluster)
            await cluster.deploy("web", 120)
            await cluster.available("web", 120)
            assert len(seen.uids) == 120
            per_node = Counter(pod["spec"]["nodeName"] for pod in await _pods(cluster))
            assert set(per_node.values()) == {40}

    asyncio.run(scenario())


def test_a_new_template_rolls_out_and_never_breaks_its_bounds(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running_cluster(tmp_path) as cluster:
            limits = {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 1}}
            await cluster.deploy("web", 4, strategy=limits)
            await cluster.available("web", 4)
            sizes = _Sizes(cluster)
            await _set_image(cluster, "web", "nginx:2")
            await cluster.available("web", 4)
            assert max(sizes.asked_for) <= 5
            assert min(sizes.ready) >= 3
            pods = await _pods(cluster)
            assert {pod["spec"]["containers"][0]["image"] for pod in pods} == {"nginx:2"}

    asyncio.run(scenario())


def test_undoing_a_rollout_brings_the_old_replicaset_back(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running_cluster(tmp_path) as cluster:
            await cluster.deploy("web", 2)
            await cluster.available("web", 2)
            (first,) = await _replicasets(cluster)
            await _set_image(cluster, "web", "nginx:2")
            await cluster.available("web", 2)
            await _set_image(cluster, "web", "nginx:1")
            done = await cluster.available("web", 2)
            sets = {name(one): one for one in await _replicasets(cluster)}
            assert len(sets) == 2
            back = sets[name(first)]
            assert back["spec"]["replicas"] == 2
            assert annotations(back)[_REVISION] == "3"
            assert annotations(back)["deployment.kubernetes.io/revision-history"] == "1"
            assert annotations(done)[_REVISION] == "3"

    asyncio.run(scenario())


def test_recreate_ends_the_old_pods_before_it_makes_new_ones(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running_cluster(tmp_path) as cluster:
            await cluster.deploy("web", 3, strategy={"type": "Recreate"})
            await cluster.available("web", 3)
            images = _Images(cluster)
            await _set_image(cluster, "web", "nginx:2")
            await cluster.available("web", 3)
            assert {"nginx:1", "nginx:2"} not in images.together

    asyncio.run(scenario())


def test_scaling_up_and_down_leaves_the_pods_that_stay_alone(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running_cluster(tmp_path) as cluster:
            await cluster.deploy("web", 2)
            await cluster.available("web", 2)
            before = {uid(pod) for pod in await _pods(cluster)}
            await _scale(cluster, "web", 6)
            await cluster.available("web", 6)
            assert before < {uid(pod) for pod in await _pods(cluster)}
            await _scale(cluster, "web", 1)
            await cluster.available("web", 1)
            await cluster.until_all(PODS, "default", lambda pods: len(pods) == 1)

    asyncio.run(scenario())


def test_a_lost_pod_is_replaced(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running_cluster(tmp_path) as cluster:
            await cluster.deploy("web", 2)
            await cluster.available("web", 2)
            victim = (await _pods(cluster))[0]
            await cluster.client.delete(PODS, name(victim), "default")
            await cluster.until_all(
                PODS,
                "default",
                lambda pods: len(pods) == 2 and uid(victim) not in {uid(pod) for pod in pods},
            )
            await cluster.available("web", 2)

    asyncio.run(scenario())


def test_a_pod_that_is_relabelled_is_let_go_and_an_orphan_adopted(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running_cluster(tmp_path) as cluster:
            await cluster.deploy("web", 2)
            await cluster.available("web", 2)
            stray = (await _pods(cluster))[0]
            await _relabel(cluster, stray, "debug")
            freed = await cluster.until(
                PODS, name(stray), "default", lambda pod: controller_of(pod) is None
            )
            await cluster.until_all(PODS, "default", lambda pods: len(pods) == 3)
            await cluster.available("web", 2)
            await _relabel(cluster, freed, "web")
            # Adopted again, it is one too many, and one of the three goes.
            await cluster.until_all(
                PODS, "default", lambda pods: len(pods) == 2 and all(map(controller_of, pods))
            )

    asyncio.run(scenario())


def test_the_whole_chain_tells_of_itself(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running_cluster(tmp_path) as cluster:
            await cluster.deploy("web", 1)
            await cluster.available("web", 1)
            (replicaset,) = await _replicasets(cluster)
            (pod,) = await _pods(cluster)
            wanted = {
                ("deployment-controller", "ScalingReplicaSet",
                 f"Scaled up replica set {name(replicaset)} from 0 to 1"),
                ("replicaset-controller", "SuccessfulCreate", f"Created pod: {name(pod)}"),
                ("default-scheduler", "Scheduled",
                 f"Successfully assigned default/{name(pod)} to {pod['spec']['nodeName']}"),
            }  # fmt: skip
            await cluster.until_all(EVENTS, "default", lambda events: wanted <= _told(events))

    asyncio.run(scenario())


def test_a_paused_deployment_waits_and_a_resumed_one_goes_on(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running_cluster(tmp_path) as cluster:
            await cluster.deploy("web", 2)
            await cluster.available("web", 2)
            await _patch(cluster, "web", {"paused": True})
            await cluster.until(DEPLOYMENTS, "web", "default", _progressing("DeploymentPaused"))
            await _set_image(cluster, "web", "nginx:2")
            await cluster.until(
                DEPLOYMENTS,
                "web",
                "default",
                lambda one: one["status"]["observedGeneration"] == one["metadata"]["generation"],
            )
            assert len(await _replicasets(cluster)) == 1
            await _patch(cluster, "web", {"paused": False})
            await cluster.available("web", 2)
            assert len(await _replicasets(cluster)) == 2

    asyncio.run(scenario())


class _Sizes:
    """Notes, at every change of a ReplicaSet or pod, how many there are."""

    def __init__(self, cluster: Cluster) -> None:
        self.asked_for: list[int] = []
        self.ready: list[int] = []
        self._sets = Cache(cluster.client, REPLICASETS)
        self._pods = Cache(cluster.client, PODS)
        self._sets.subscribe(self._note)
        self._pods.subscribe(self._note)
        cluster.follow(self._sets, self._pods)

    def _note(self, old: Obj | None, _: Obj | None) -> None:
        sets, pods = self._sets.objects.values(), self._pods.objects.values()
        self.asked_for.append(sum(one["spec"]["replicas"] for one in sets))
        if old is not None:  # the first lists come one object after the other
            ready = [pod for pod in pods if is_condition_true(pod, "Ready")]
            self.ready.append(sum(not is_deleting(pod) for pod in ready))


class _Images:
    """Notes which pods there ever were, and which images run at the same time."""

    def __init__(self, cluster: Cluster) -> None:
        self.uids: set[str] = set()
        self.together: list[set[str]] = []
        self._pods = Cache(cluster.client, PODS)
        self._pods.subscribe(self._note)
        cluster.follow(self._pods)

    def _note(self, _: Obj | None, __: Obj | None) -> None:
        pods = self._pods.objects.values()
        self.together.append({pod["spec"]["containers"][0]["image"] for pod in pods})
        self.uids |= {uid(pod) for pod in pods}


async def _pods(cluster: Cluster) -> list[Obj]:
    return (await cluster.client.list(PODS, "default")).items


async def _replicasets(cluster: Cluster) -> list[Obj]:
    return (await cluster.client.list(REPLICASETS, "default")).items


async def _patch(cluster: Cluster, at: str, spec: Obj) -> None:
    await cluster.client.patch(DEPLOYMENTS, at, {"spec": spec}, "default", type="strategic")


async def _set_image(cluster: Cluster, at: str, image: str) -> None:
    containers = [{"name": "web", "image": image}]
    await _patch(cluster, at, {"template": {"spec": {"containers": containers}}})


async def _scale(cluster: Cluster, at: str, replicas: int) -> None:
    patch = {"spec": {"replicas": replicas}}
    await cluster.client.patch(DEPLOYMENTS, at, patch, "default", subresource="scale")


async def _relabel(cluster: Cluster, pod: Obj, app: str) -> None:
    patch = {"metadata": {"labels": {"app": app}}}
    await cluster.client.patch(PODS, name(pod), patch, "default")


def _told(events: list[Obj]) -> set[tuple[str, str, str]]:
    return {(one["source"]["component"], one["reason"], one["message"]) for one in events}


def _progressing(reason: str) -> Callable[[Obj], bool]:
    return lambda one: (condition(one, "Progressing") or {}).get("reason") == reason
