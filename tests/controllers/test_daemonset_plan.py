"""Which nodes a DaemonSet wants a pod on, and how an update goes from node to node."""

from typing import Any

import pytest

from labctl.api.objects import Obj, name
from labctl.api.taints import NOT_READY, UNREACHABLE, UNSCHEDULABLE
from labctl.controllers.daemonset.nodes import verdict, wanted_node
from labctl.controllers.daemonset.plan import Plan, new_pod, plan
from labctl.controllers.revisions import HASH_LABEL
from tests.controllers.objects import NOW, node, pod, template

NEW, OLD = "new", "old"


def daemonset(**rolling: Any) -> Obj:
    return {
        "metadata": {"name": "ds", "namespace": "default", "uid": "uid-ds", "generation": 2},
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "spec": {
            "selector": {"matchLabels": {"app": "web"}},
            "template": template(),
            "updateStrategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0, **rolling},
            },
        },
    }


def daemon(on: str, hash_: str = NEW, **changes: Any) -> Obj:
    labels = {"app": "web", HASH_LABEL: hash_}
    return pod(f"{on}-{hash_}", labels=labels, node=on, **changes)


def step(nodes: list[Obj], pods: list[Obj], **rolling: Any) -> Plan:
    return plan(daemonset(**rolling), NEW, nodes, pods, NOW)


NODES = [node("node1"), node("node2"), node("node3")]


def deleted(found: Plan) -> list[str]:
    return [name(one) for one in found.delete]


def taint(key: str, effect: str) -> Obj:
    return node("node1", taints=[{"key": key, "effect": effect}])


@pytest.mark.parametrize(
    ("spec", "on", "run", "stay"),
    [
        ({}, node("node1"), True, True),
        ({}, taint(NOT_READY, "NoExecute"), True, True),
        ({}, taint(UNREACHABLE, "NoExecute"), True, True),
        ({}, taint(UNSCHEDULABLE, "NoSchedule"), True, True),
        ({}, taint("mine", "NoSchedule"), False, True),
        ({}, taint("mine", "NoExecute"), False, False),
        ({"tolerations": [{"operator": "Exists"}]}, taint("mine", "NoExecute"), True, True),
        ({"nodeSelector": {"disk": "ssd"}}, node("node1"), False, False),
        ({"nodeSelector": {"disk": "ssd"}}, node("node1", labels={"disk": "ssd"}), True, True),
        ({"nodeName": "node2"}, node("node1"), False, False),
    ],
)
def test_a_daemon_runs_where_it_is_let(spec: Obj, on: Obj, run: bool, stay: bool) -> None:
    wish = template()
    found = verdict({**wish, "spec": {**wish["spec"], **spec}}, on)
    assert (found.run, found.stay) == (run, stay)


def test_a_pod_is_made_where_there_is_none_and_ended_where_none_is_wanted() -> None:
    nodes = [*NODES, node("node4", taints=[{"key": "mine", "effect": "NoExecute"}])]
    found = step(nodes, [daemon("node1"), daemon("node4")])
    assert found.create == ("node2", "node3")
    assert deleted(found) == ["node4-new"]


def test_where_a_pod_ends_its_successor_waits_for_it() -> None:
    assert step(NODES[:1], [daemon("node1", deleting=True)]).create == ()


def test_a_pod_that_failed_is_ended_to_be_made_anew() -> None:
    found = step(NODES[:1], [daemon("node1", phase="Failed")])
    assert deleted(found) == ["node1-new"]
    assert [name(one) for one in found.failed] == ["node1-new"]


def test_of_two_on_a_node_the_older_stays() -> None:
    old, young = daemon("node1", age=100.0), daemon("node1", age=10.0, uid="b")
    assert step(NODES[:1], [young, old]).delete == (young,)


def test_an_update_ends_one_old_pod_at_a_time() -> None:
    pods = [daemon("node1", OLD), daemon("node2", OLD), daemon("node3")]
    assert deleted(step(NODES, pods)) == ["node1-old"]
    assert deleted(step(NODES, pods, maxUnavailable="67%")) == ["node1-old", "node2-old"]
    pods[2] = daemon("node3", ready=False)
    assert deleted(step(NODES, pods)) == []


def test_an_old_pod_that_does_not_serve_goes_first_and_costs_nothing() -> None:
    pods = [daemon("node1", OLD), daemon("node2", OLD, ready=False), daemon("node3", OLD)]
    assert deleted(step(NODES, pods)) == ["node2-old"]


def test_with_a_surge_the_successor_comes_before_the_end() -> None:
    surge = {"maxSurge": 1, "maxUnavailable": 0}
    pods = [daemon(one, OLD) for one in ("node1", "node2", "node3")]
    assert step(NODES, pods, **surge).create == ("node1",)
    pods.append(daemon("node1", ready=False))
    found = step(NODES, pods, **surge)
    assert (found.create, found.delete) == ((), ())
    pods[-1] = daemon("node1")
    assert deleted(step(NODES, pods, **surge)) == ["node1-old"]


def test_a_new_pod_is_for_its_node_alone() -> None:
    made = new_pod(daemonset(), NEW, "node2")
    assert wanted_node(made) == "node2"
    assert made["metadata"]["labels"] == {"app": "web", HASH_LABEL: NEW}
    assert {"key": NOT_READY, "operator": "Exists", "effect": "NoExecute"} in made["spec"][
        "tolerations"
    ]


def test_the_status_counts_nodes() -> None:
    nodes = [*NODES, node("node4", taints=[{"key": "mine", "effect": "NoSchedule"}])]
    pods = [daemon("node1"), daemon("node2", OLD, ready=False), daemon("node4")]
    assert step(nodes, pods).status == {
        "currentNumberScheduled": 2,
        "numberMisscheduled": 1,
        "desiredNumberScheduled": 3,
        "numberReady": 1,
        "updatedNumberScheduled": 1,
        "numberAvailable": 1,
        "numberUnavailable": 2,
        "observedGeneration": 2,
    }
