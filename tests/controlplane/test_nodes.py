"""Nodes that fall silent, and what becomes of their pods."""

import asyncio
from pathlib import Path

from labctl.api.kinds.core import EVENTS, NODES, PODS
from labctl.api.lab import Times
from labctl.api.objects import Obj, condition, is_deleting, name
from labctl.api.taints import UNREACHABLE
from labctl.client.cache import Cache
from tests.controlplane.cluster import Cluster, running_cluster

_QUICK = Times(heartbeat_seconds=0.1, grace_seconds=1.5, eviction_seconds=1)


def test_pods_of_a_silent_node_are_replaced_elsewhere(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running_cluster(tmp_path, times=_QUICK) as cluster:
            await cluster.deploy("web", 3)
            await cluster.available("web", 3)
            cluster.silent.add("node2")
            node = await cluster.until(NODES, "node2", "", _is_tainted)
            ready = condition(node, "Ready")
            assert ready is not None
            assert (ready["status"], ready["reason"]) == ("Unknown", "NodeStatusUnknown")
            assert ready["message"] == "Kubelet stopped posting node status."
            pods = await cluster.until_all(PODS, "default", _three_live_elsewhere)
            (left,) = [pod for pod in pods if pod["spec"]["nodeName"] == "node2"]
            assert is_deleting(left)  # its agent is dead: nobody can say that it ended
            target = condition(left, "DisruptionTarget")
            assert target is not None
            assert (target["status"], target["reason"]) == ("True", "DeletionByTaintManager")
            await cluster.available("web", 3)
            await cluster.until_all(EVENTS, "", lambda events: _told_of_loss(events, left))

    asyncio.run(scenario())


def test_pods_of_a_silent_node_are_no_longer_ready(tmp_path: Path) -> None:
    async def scenario() -> None:
        patient = Times(heartbeat_seconds=0.1, grace_seconds=1.5, eviction_seconds=300)
        async with running_cluster(tmp_path, times=patient) as cluster:
            await cluster.deploy("web", 3)
            await cluster.available("web", 3)
            cluster.silent.add("node1")
            await cluster.until_all(PODS, "default", lambda pods: _unready(pods) == {"node1"})

    asyncio.run(scenario())


def test_a_node_that_is_heard_of_again_loses_its_taints(tmp_path: Path) -> None:
    async def scenario() -> None:
        patient = Times(heartbeat_seconds=0.1, grace_seconds=1.5, eviction_seconds=300)
        async with running_cluster(tmp_path, times=patient) as cluster:
            await cluster.deploy("web", 3)
            await cluster.available("web", 3)
            cluster.silent.add("node3")
            await cluster.until(NODES, "node3", "", _is_tainted)
            cluster.silent.clear()
            await cluster.until(NODES, "node3", "", lambda node: not node["spec"].get("taints"))
            await cluster.until_all(EVENTS, "default", _cancelled)
            pods = (await cluster.client.list(PODS, "default")).items
            assert len(pods) == 3
            assert not any(is_deleting(pod) for pod in pods)

    asyncio.run(scenario())


def test_nothing_is_evicted_when_all_nodes_fall_silent_at_once(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running_cluster(tmp_path, times=_QUICK) as cluster:
            await cluster.deploy("web", 3)
            await cluster.available("web", 3)
            effects = _Effects(cluster)
            cluster.silent |= {"node1", "node2", "node3"}
            await cluster.until_all(
                NODES,
                "",
                lambda nodes: (
                    all(_readiness(node) == "Unknown" for node in nodes)
                    and all(_effects(node) == {"NoSchedule"} for node in nodes)
                ),
            )
            cluster.silent.clear()
            await cluster.until_all(
                NODES, "", lambda nodes: not any(node["spec"].get("taints") for node in nodes)
            )
            assert effects.seen == {"NoSchedule"}  # not even for a moment more
            pods = (await cluster.client.list(PODS, "default")).items
            assert len(pods) == 3
            assert not any(is_deleting(pod) for pod in pods)

    asyncio.run(scenario())


def test_pods_of_a_node_whose_object_is_deleted_are_collected(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running_cluster(tmp_path, times=_QUICK) as cluster:
            await cluster.deploy("web", 3)
            await cluster.available("web", 3)
            cluster.silent.add("node2")
            await cluster.client.delete(NODES, "node2")
            await cluster.until_all(
                PODS, "default", lambda pods: len(pods) == 3 and "node2" not in _nodes(pods)
            )

    asyncio.run(scenario())


def test_nodes_get_the_subnet_of_their_number(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running_cluster(tmp_path, nodes=2) as cluster:
            nodes = await cluster.until_all(
                NODES, "", lambda nodes: all(node["spec"].get("podCIDR") for node in nodes)
            )
            given = {name(node): node["spec"]["podCIDR"] for node in nodes}
            assert given == {"node1": "10.244.1.0/24", "node2": "10.244.2.0/24"}

    asyncio.run(scenario())


def test_a_cordoned_node_is_tainted_and_takes_no_pods(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running_cluster(tmp_path) as cluster:
            await _cordon(cluster, "node1", cordoned=True)
            await cluster.until(NODES, "node1", "", lambda node: bool(node["spec"].get("taints")))
            await cluster.deploy("web", 4)
            await cluster.available("web", 4)
            pods = (await cluster.client.list(PODS, "default")).items
            assert _nodes(pods) == {"node2", "node3"}
            await _cordon(cluster, "node1", cordoned=False)
            await cluster.until(NODES, "node1", "", lambda node: not node["spec"].get("taints"))

    asyncio.run(scenario())


def test_a_pod_that_fits_nowhere_says_why_and_goes_when_a_node_can_take_it(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        async with running_cluster(tmp_path, nodes=2) as cluster:
            for at in ("node1", "node2"):
                await _cordon(cluster, at, cordoned=True)
            await cluster.deploy("web", 1)
            (pod,) = await cluster.until_all(PODS, "default", _unschedulable)
            scheduled = condition(pod, "PodScheduled")
            assert scheduled is not None
            assert scheduled["message"] == (
                "0/2 nodes are available: 2 node(s) were unschedulable. preemption: 0/2 nodes"
                " are available: 2 Preemption is not helpful for scheduling."
            )
            await _cordon(cluster, "node2", cordoned=False)
            await cluster.available("web", 1)

    asyncio.run(scenario())


class _Effects:
    """Notes the effects of all taints that nodes ever have."""

    def __init__(self, cluster: Cluster) -> None:
        self.seen: set[str] = set()
        cache = Cache(cluster.client, NODES)
        cache.subscribe(self._note)
        cluster.follow(cache)

    def _note(self, _: Obj | None, new: Obj | None) -> None:
        if new is not None:
            self.seen |= _effects(new)


async def _cordon(cluster: Cluster, at: str, *, cordoned: bool) -> None:
    await cluster.client.patch(NODES, at, {"spec": {"unschedulable": cordoned or None}})


def _is_tainted(node: Obj) -> bool:
    taints = node["spec"].get("taints") or []
    wanted = {("NoSchedule", UNREACHABLE), ("NoExecute", UNREACHABLE)}
    return wanted <= {(taint["effect"], taint["key"]) for taint in taints}


def _effects(node: Obj) -> set[str]:
    return {taint["effect"] for taint in node["spec"].get("taints") or []}


def _readiness(node: Obj) -> str:
    return str((condition(node, "Ready") or {})["status"])


def _nodes(pods: list[Obj]) -> set[str]:
    return {pod["spec"].get("nodeName", "") for pod in pods}


def _unready(pods: list[Obj]) -> set[str]:
    return _nodes([pod for pod in pods if (condition(pod, "Ready") or {})["status"] != "True"])


def _unschedulable(pods: list[Obj]) -> bool:
    return any((condition(pod, "PodScheduled") or {}).get("status") == "False" for pod in pods)


def _three_live_elsewhere(pods: list[Obj]) -> bool:
    live = [pod for pod in pods if not is_deleting(pod)]
    return len(live) == 3 and "node2" not in _nodes(live) and "" not in _nodes(live)


def _told_of_loss(events: list[Obj], pod: Obj) -> bool:
    told = {(one["source"]["component"], one["reason"], one["message"]) for one in events}
    text = f"Marking for deletion Pod default/{name(pod)}"
    return {
        ("node-controller", "NodeNotReady", "Node node2 status is now: NodeNotReady"),
        ("node-controller", "NodeNotReady", "Node is not ready"),
        ("taint-eviction-controller", "TaintManagerEviction", text),
    } <= told


def _cancelled(events: list[Obj]) -> bool:
    return any(one["message"].startswith("Cancelling deletion of Pod") for one in events)
