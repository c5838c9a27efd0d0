"""From API objects to who is judged."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from labctl.api.kinds.apps import REPLICASETS
from labctl.api.kinds.core import CONFIGMAPS, NODES, PODS
from labctl.api.lab import default_lab, lab_configmap
from labctl.api.objects import Obj
from labctl.client.client import Client
from labctl.verify.snapshot import owes_pods, snapshot, sort_pods
from labctl.verify.topology import Kind, LeftOut
from tests.apiserver.serving import client, run, serving


def pod(name: str, phase: str = "Running", ip: str = "10.244.1.2", **status: Any) -> Obj:
    return {
        "metadata": {"namespace": "default", "name": name, "uid": f"uid-{name}"},
        "spec": {"nodeName": "node1"},
        "status": {"phase": phase, "podIP": ip, **status},
    }


def unschedulable(name: str) -> Obj:
    condition = {
        "type": "PodScheduled",
        "status": "False",
        "reason": "Unschedulable",
        "message": "0/3 nodes are available",
    }
    return pod(name, "Pending", "", conditions=[condition])


def waiting(name: str, reason: str) -> Obj:
    statuses = [{"name": "web", "state": {"waiting": {"reason": reason}}}]
    return pod(name, "Pending", "", containerStatuses=statuses)


def test_running_pods_are_judged_in_the_namespace_that_the_contract_names() -> None:
    (judged,) = sort_pods("demo", [pod("web")]).running
    assert str(judged.netns) == "/run/netns/labctl.demo.pod.default.web"
    assert (judged.kind, judged.node, judged.ip) == (Kind.POD, "node1", "10.244.1.2")


def test_pods_of_the_hosts_network_and_finished_ones_are_nobodys_concern() -> None:
    host = pod("agent")
    host["spec"]["hostNetwork"] = True
    assert sort_pods("demo", [host, pod("job", "Succeeded"), pod("crash", "Failed")]) == (
        (),
        (),
        (),
    )


def test_those_who_start_are_waited_for_and_others_left_out_with_a_reason() -> None:
    dying = pod("dying")
    dying["metadata"]["deletionTimestamp"] = "2025-01-01T00:00:00Z"
    found = sort_pods("demo", [dying, unschedulable("big"), waiting("slow", "ContainerCreating")])
    assert found.running == ()
    assert found.starting == (LeftOut("default", "slow", "still starting: ContainerCreating"),)
    assert found.left_out == (
        LeftOut("default", "big", "no node takes it: 0/3 nodes are available"),
        LeftOut("default", "dying", "it is being deleted"),
    )


def test_a_running_pod_without_an_address_is_still_starting() -> None:
    assert [one.name for one in sort_pods("demo", [pod("new", ip="")]).starting] == ["new"]


@pytest.mark.parametrize(
    ("spec", "status", "owes"),
    [
        ({"replicas": 2}, {"replicas": 2, "observedGeneration": 1}, False),
        ({"replicas": 2}, {"replicas": 1, "observedGeneration": 1}, True),
        ({"replicas": 2}, {"replicas": 2}, True),
        ({"replicas": 0}, {"observedGeneration": 1}, False),
        ({"replicas": 2, "paused": True}, {}, False),
    ],
)
def test_a_workload_owes_the_pods_that_it_has_not_made(spec: Obj, status: Obj, owes: bool) -> None:
    assert owes_pods({"metadata": {"generation": 1}, "spec": spec, "status": status}) is owes


async def write_nodes(api: Client) -> None:
    await api.create(CONFIGMAPS, lab_configmap(default_lab("demo")))
    for name in ("node2", "node1"):
        address = {"type": "InternalIP", "address": f"172.30.1.{name[-1]}"}
        node: Obj = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}}
        await api.create(NODES, node)
        await api.patch(NODES, name, {"status": {"addresses": [address]}}, subresource="status")
    await api.create(NODES, {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "unborn"}})


async def write_pod(api: Client, name: str, labels: dict[str, str] | None = None) -> None:
    container = {"name": "main", "image": "example/none:1"}
    metadata = {"name": name, "namespace": "default", "labels": labels or {}}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata}
    await api.create(PODS, {**pod, "spec": {"containers": [container]}})


async def make_running(api: Client, name: str, ip: str) -> None:
    await api.bind("default", name, "node1")
    status = {"status": {"phase": "Running", "podIP": ip}}
    await api.patch(PODS, name, status, "default", subresource="status")


def test_a_snapshot_has_the_labs_nodes_pods_and_outside(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api = client(server)
            await write_nodes(api)
            await write_pod(api, "web")
            await make_running(api, "web", "10.244.1.2")
            topology = await snapshot(api, "demo")
        assert [(node.name, node.ip) for node in topology.nodes] == [
            ("node1", "172.30.1.1"),
            ("node2", "172.30.1.2"),
        ]
        network = (topology.backend, topology.mtu, topology.pod_cidr)
        assert network == ("host-gw", 1500, "10.244.0.0/16")
        ends = [one.label for one in topology.endpoints]
        assert ends == ["default/web", "node1", "node2", "outside"]

    run(main())


def test_a_snapshot_waits_for_pods_that_start(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api = client(server)
            await write_nodes(api)
            await write_pod(api, "web")
            looking = asyncio.create_task(snapshot(api, "demo"))
            await make_running(api, "web", "10.244.1.2")
            topology = await looking
        assert [one.name for one in topology.pods] == ["web"]
        assert topology.left_out == ()

    run(main())


def test_a_snapshot_waits_for_pods_that_a_workload_has_yet_to_make(tmp_path: Path) -> None:
    labels = {"app": "web"}
    template = {
        "metadata": {"labels": labels},
        "spec": {"containers": [{"name": "main", "image": "example/none:1"}]},
    }
    replicaset = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": template},
    }

    async def main() -> None:
        async with serving(tmp_path) as server:
            api = client(server)
            await write_nodes(api)
            await api.create(REPLICASETS, replicaset)
            looking = asyncio.create_task(snapshot(api, "demo"))
            await write_pod(api, "web-1", labels)
            await make_running(api, "web-1", "10.244.1.2")
            made = {"status": {"replicas": 1, "observedGeneration": 1}}
            await api.patch(REPLICASETS, "web", made, "default", subresource="status")
            topology = await looking
        assert [one.name for one in topology.pods] == ["web-1"]

    run(main())


def test_a_snapshot_does_not_wait_for_ever(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api = client(server)
            await write_nodes(api)
            await write_pod(api, "stuck")
            topology = await snapshot(api, "demo", patience=0.3)
        assert topology.left_out == (LeftOut("default", "stuck", "still starting: Pending"),)

    run(main())
