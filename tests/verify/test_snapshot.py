"""From API objects to who is judged."""

import asyncio
from collections.abc import AsyncGenerator, Iterator, Mapping
from typing import Any

from labctl.api.lab import default_lab, lab_configmap
from labctl.api.objects import Obj
from labctl.client.client import Client
from labctl.verify.snapshot import snapshot, sort_pods
from labctl.verify.topology import Kind, LeftOut


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


class Shelf:
    """A transport that answers from lists of pods, one after the other; the last one stays."""

    def __init__(self, *pods: list[Obj]) -> None:
        self._pods = list(pods)

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str = "application/json",
        accept: str = "application/json",
    ) -> Obj:
        del method, query, body, content_type, accept
        if path.endswith("/configmaps/labctl"):
            return lab_configmap(default_lab("demo"))
        if path.endswith("/nodes"):
            return {"items": list(nodes())}
        return {"items": self._pods.pop(0) if len(self._pods) > 1 else self._pods[0]}

    async def stream(self, path: str, query: Mapping[str, str]) -> AsyncGenerator[Obj, None]:
        del path, query
        yield {}

    async def close(self) -> None:
        return


def nodes() -> Iterator[Obj]:
    for name in ("node2", "node1"):
        addresses = [
            {"type": "Hostname", "address": name},
            {"type": "InternalIP", "address": f"172.30.1.{name[-1]}"},
        ]
        yield {"metadata": {"name": name}, "status": {"addresses": addresses}}
    yield {"metadata": {"name": "unborn"}}


def take(shelf: Shelf, patience: float) -> Any:
    return asyncio.run(snapshot(Client(shelf), "demo", patience))


def test_a_snapshot_has_the_labs_nodes_pods_and_outside() -> None:
    topology = take(Shelf([pod("web")]), 10)
    assert [(node.name, node.ip) for node in topology.nodes] == [
        ("node1", "172.30.1.1"),
        ("node2", "172.30.1.2"),
    ]
    assert (topology.backend, topology.mtu, topology.pod_cidr) == ("host-gw", 1500, "10.244.0.0/16")
    assert [one.label for one in topology.endpoints] == [
        "default/web",
        "node1",
        "node2",
        "outside",
    ]


def test_a_snapshot_waits_for_pods_that_start() -> None:
    late = Shelf([waiting("web", "ContainerCreating")], [pod("web", "Pending", "")], [pod("web")])
    topology = take(late, 10)
    assert [one.name for one in topology.pods] == ["web"]
    assert topology.left_out == ()


def test_a_snapshot_does_not_wait_for_ever() -> None:
    topology = take(Shelf([pod("web"), waiting("stuck", "CrashLoopBackOff")]), 0.3)
    assert [one.name for one in topology.pods] == ["web"]
    assert topology.left_out == (LeftOut("default", "stuck", "still starting: CrashLoopBackOff"),)
