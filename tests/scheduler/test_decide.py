"""Where a pod goes, and in which words it is told that it cannot go anywhere."""

from typing import Any

import pytest

from labctl.api.objects import Obj
from labctl.scheduler.decide import Placed, Unplaced, decide
from labctl.scheduler.filters import Wake
from labctl.scheduler.nodeinfo import NodeInfo
from labctl.scheduler.podinfo import PodInfo

_PREEMPTION_USELESS = "Preemption is not helpful for scheduling"
_NO_VICTIMS = "No preemption victims found for incoming pod"


def _pod(name: str = "web", owner: str = "rs", **spec: Any) -> PodInfo:
    container = {"name": "c", "resources": {"requests": spec.pop("requests", {})}}
    if "ports" in spec:
        container["ports"] = spec.pop("ports")
    return PodInfo.of(
        {
            "metadata": {
                "name": name,
                "namespace": "default",
                "uid": f"uid-{name}",
                "labels": {"app": owner},
                "ownerReferences": [{"uid": owner, "controller": True}],
            },
            "spec": {"containers": [container], **spec},
        }
    )


def _node(name: str, **changes: Any) -> NodeInfo:
    labels = {"kubernetes.io/hostname": name, **changes.get("labels", {})}
    return NodeInfo.of(
        {
            "metadata": {"name": name, "labels": labels},
            "spec": {
                "taints": changes.get("taints", []),
                "unschedulable": changes.get("unschedulable", False),
            },
            "status": {
                "allocatable": {
                    "cpu": changes.get("cpu", "4"),
                    "memory": changes.get("memory", "8Gi"),
                    "pods": changes.get("pods", "110"),
                }
            },
        }
    )


def _decide(pod: PodInfo, *nodes: NodeInfo) -> Placed | Unplaced:
    return decide(pod, nodes, lambda best: best[0])


_TAINT = {"key": "gpu", "value": "a100", "effect": "NoSchedule"}
_SELECTOR: Obj = {"nodeSelector": {"disk": "ssd"}}


def _affinity(*expressions: Obj) -> Obj:
    term = {"matchExpressions": list(expressions)}
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}
    return {"affinity": {"nodeAffinity": required}}


@pytest.mark.parametrize(
    ("pod", "node", "reason"),
    [
        (_pod(), _node("n", unschedulable=True), "node(s) were unschedulable"),
        (_pod(), _node("n", taints=[_TAINT]), "node(s) had untolerated taint {gpu: a100}"),
        (
            _pod(),
            _node("n", taints=[{"key": "k", "effect": "NoExecute"}]),
            "node(s) had untolerated taint {k: }",
        ),
        (
            _pod(**_SELECTOR),
            _node("n"),
            "node(s) didn't match Pod's node affinity/selector",
        ),
        (
            _pod(**_affinity({"key": "cores", "operator": "Gt", "values": ["8"]})),
            _node("n", labels={"cores": "4"}),
            "node(s) didn't match Pod's node affinity/selector",
        ),
    ],
)
def test_what_preemption_cannot_help_is_told_so(pod: PodInfo, node: NodeInfo, reason: str) -> None:
    assert _decide(pod, node) == Unplaced(
        f"0/1 nodes are available: 1 {reason}."
        f" preemption: 0/1 nodes are available: 1 {_PREEMPTION_USELESS}.",
        Wake.NODE,
    )


@pytest.mark.parametrize(
    ("pod", "node", "reason"),
    [
        (_pod(requests={"cpu": "5"}), _node("n"), "Insufficient cpu"),
        (_pod(requests={"memory": "9Gi"}), _node("n"), "Insufficient memory"),
        (_pod(requests={"gpu.com/x": "1"}), _node("n"), "Insufficient gpu.com/x"),
        (_pod(), _node("n", pods="0"), "Too many pods"),
        (
            _pod(ports=[{"hostPort": 80}]),
            _node("n").with_pod(_pod("other", ports=[{"hostPort": 80}])),
            "node(s) didn't have free ports for the requested pod ports",
        ),
    ],
)
def test_what_the_end_of_other_pods_could_help_is_told_so(
    pod: PodInfo, node: NodeInfo, reason: str
) -> None:
    assert _decide(pod, node) == Unplaced(
        f"0/1 nodes are available: 1 {reason}."
        f" preemption: 0/1 nodes are available: 1 {_NO_VICTIMS}.",
        Wake.NODE | Wake.POD_GONE,
    )


def test_reasons_are_counted_over_all_nodes() -> None:
    answer = _decide(
        _pod(requests={"cpu": "5"}),
        _node("a", taints=[_TAINT]),
        _node("b", taints=[_TAINT]),
        _node("c"),
    )
    assert isinstance(answer, Unplaced)
    assert answer.message == (
        "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) had untolerated taint {gpu: a100}."
        f" preemption: 0/3 nodes are available: 1 {_NO_VICTIMS}, 2 {_PREEMPTION_USELESS}."
    )


def test_a_node_may_lack_more_than_one_thing() -> None:
    answer = _decide(_pod(requests={"cpu": "5", "memory": "9Gi"}), _node("a", pods="0"))
    assert isinstance(answer, Unplaced)
    assert answer.message.startswith(
        "0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient memory, 1 Too many pods."
    )


def test_without_nodes_there_is_one_sentence() -> None:
    assert _decide(_pod()) == Unplaced("no nodes available to schedule pods")


@pytest.mark.parametrize(
    ("spec", "labels"),
    [
        (_SELECTOR, {"disk": "ssd"}),
        (_affinity({"key": "disk", "operator": "In", "values": ["ssd", "nvme"]}), {"disk": "nvme"}),
        (_affinity({"key": "disk", "operator": "NotIn", "values": ["hdd"]}), {}),
        (_affinity({"key": "disk", "operator": "Exists"}), {"disk": "any"}),
        (_affinity({"key": "disk", "operator": "DoesNotExist"}), {}),
        (_affinity({"key": "cores", "operator": "Lt", "values": ["8"]}), {"cores": "4"}),
        ({"tolerations": [{"operator": "Exists"}]}, {}),
    ],
)
def test_a_node_with_what_is_asked_for_takes_the_pod(spec: Obj, labels: dict[str, str]) -> None:
    assert _decide(_pod(**spec), _node("n", labels=labels)) == Placed("n")


def test_one_port_is_free_on_another_address_or_protocol() -> None:
    taken = _node("n").with_pod(_pod("other", ports=[{"hostPort": 80, "hostIP": "10.0.0.1"}]))
    assert _decide(_pod(ports=[{"hostPort": 80, "hostIP": "10.0.0.2"}]), taken) == Placed("n")
    assert _decide(_pod(ports=[{"hostPort": 80, "protocol": "UDP"}]), taken) == Placed("n")
    assert isinstance(_decide(_pod(ports=[{"hostPort": 80}]), taken), Unplaced)


def test_replicas_spread_over_nodes() -> None:
    nodes = {name: _node(name) for name in ("a", "b", "c")}
    for number in range(9):
        pod = _pod(f"web-{number}")
        answer = _decide(pod, *nodes.values())
        assert isinstance(answer, Placed)
        nodes[answer.node] = nodes[answer.node].with_pod(pod)
    assert [node.pods for node in nodes.values()] == [3, 3, 3]


def test_replicas_spread_over_zones_too() -> None:
    zone = "topology.kubernetes.io/zone"
    nodes = {
        name: _node(name, labels={zone: where})
        for name, where in (("a1", "a"), ("a2", "a"), ("b1", "b"))
    }
    for number in range(2):
        pod = _pod(f"web-{number}")
        answer = _decide(pod, *nodes.values())
        assert isinstance(answer, Placed)
        nodes[answer.node] = nodes[answer.node].with_pod(pod)
    assert {name for name, node in nodes.items() if node.pods} == {"a1", "b1"}


def test_pods_go_where_more_is_left() -> None:
    full = _node("full").with_pod(_pod("big", owner="other", requests={"cpu": "3"}))
    assert _decide(_pod(), full, _node("empty")) == Placed("empty")


def test_a_soft_taint_is_avoided_but_no_obstacle() -> None:
    soft = _node("soft", taints=[{"key": "k", "effect": "PreferNoSchedule"}])
    assert _decide(_pod(), soft, _node("plain")) == Placed("plain")
    assert _decide(_pod(), soft) == Placed("soft")


def test_a_preferred_node_is_preferred() -> None:
    term = {"matchExpressions": [{"key": "disk", "operator": "In", "values": ["ssd"]}]}
    wish = {"weight": 50, "preference": term}
    spec: Obj = {
        "affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [wish]}}
    }
    assert _decide(_pod(**spec), _node("a"), _node("b", labels={"disk": "ssd"})) == Placed("b")


def test_init_containers_count_by_the_largest() -> None:
    def container(cpu: str, **more: str) -> Obj:
        return {"name": "c", "resources": {"requests": {"cpu": cpu}}, **more}

    spec = {
        "containers": [container("1"), container("500m")],
        "initContainers": [container("1", restartPolicy="Always"), container("2"), container("3")],
    }
    info = PodInfo.of({"metadata": {"name": "p", "namespace": "d", "uid": "u"}, "spec": spec})
    assert info.requests.cpu == 4000
    spec = {"containers": [container("1")], "initContainers": [container("200m")]}
    info = PodInfo.of({"metadata": {"name": "p", "namespace": "d", "uid": "u"}, "spec": spec})
    assert info.requests.cpu == 1000
