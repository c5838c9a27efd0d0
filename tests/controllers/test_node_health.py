"""When a node counts as silent, what its conditions and taints become, and when nobody is evicted."""

import pytest

from labctl.api.objects import Obj, format_time
from labctl.api.taints import NOT_READY, UNREACHABLE, UNSCHEDULABLE
from labctl.controllers.node_lifecycle import health
from labctl.controllers.node_lifecycle.health import Disruption, Pace
from labctl.controllers.node_lifecycle.heartbeats import Heartbeats
from labctl.controllers.node_lifecycle.pods import unready
from tests.controllers.objects import NOW, node, pod

_USER_TAINT = {"key": "gpu", "value": "yes", "effect": "NoSchedule"}


def _pairs(taints: list[Obj]) -> set[tuple[str, str]]:
    return {(taint["key"], taint["effect"]) for taint in taints}


def test_a_silent_node_becomes_unknown() -> None:
    (ready, *others) = health.silent_conditions(node(), NOW)
    assert (ready["type"], ready["status"], ready["reason"]) == (
        "Ready",
        "Unknown",
        "NodeStatusUnknown",
    )
    assert ready["message"] == "Kubelet stopped posting node status."
    assert ready["lastHeartbeatTime"] == format_time(NOW - 10)
    assert ready["lastTransitionTime"] == format_time(NOW)
    assert {one["reason"] for one in others} == {"NodeStatusNeverUpdated"}


def test_a_node_that_never_spoke_is_told_apart() -> None:
    ready = health.silent_conditions(node(ready=None), NOW)[0]
    assert (ready["reason"], ready["message"]) == (
        "NodeStatusNeverUpdated",
        "Kubelet never posted node status.",
    )


def test_silence_is_written_once() -> None:
    silent = node()
    silent["status"]["conditions"] = health.silent_conditions(silent, NOW)
    assert health.silent_conditions(silent, NOW + 60) == silent["status"]["conditions"]


@pytest.mark.parametrize(
    ("ready", "expected"),
    [
        ([], Disruption.NONE),
        (["True", "True", "True"], Disruption.NONE),
        (["True", "True", "Unknown"], Disruption.NONE),
        (["True", "Unknown", "False"], Disruption.NONE),  # two of three: not yet three silent
        (["True", "True", "Unknown", "Unknown", "Unknown"], Disruption.PARTIAL),
        (["Unknown", "Unknown", "False"], Disruption.FULL),
        (["Unknown"], Disruption.FULL),
    ],
)
def test_disruption_is_judged_over_all_nodes(ready: list[str], expected: Disruption) -> None:
    assert health.disruption(ready) is expected


@pytest.mark.parametrize(
    ("state", "nodes", "expected"),
    [
        (Disruption.NONE, 3, 10.0),
        (Disruption.PARTIAL, 5, None),
        (Disruption.PARTIAL, 51, 100.0),
        (Disruption.FULL, 100, None),
    ],
)
def test_evictions_slow_down_or_stop_in_a_disruption(
    state: Disruption, nodes: int, expected: float | None
) -> None:
    assert health.pace(state, nodes, primary=10.0, secondary=100.0) == Pace(expected)


@pytest.mark.parametrize(
    ("ready", "execute", "expected"),
    [
        ("True", None, set()),
        ("False", None, {(NOT_READY, "NoSchedule")}),
        ("Unknown", None, {(UNREACHABLE, "NoSchedule")}),
        ("Unknown", True, {(UNREACHABLE, "NoSchedule"), (UNREACHABLE, "NoExecute")}),
        ("False", True, {(NOT_READY, "NoSchedule"), (NOT_READY, "NoExecute")}),
        ("True", True, set()),
        (None, None, {(NOT_READY, "NoSchedule")}),
    ],
)
def test_taints_follow_readiness(
    ready: str | None, execute: bool | None, expected: set[tuple[str, str]]
) -> None:
    tainted = node(ready=ready, taints=[_USER_TAINT])
    assert _pairs(health.taints(tainted, execute=execute, now=NOW)) == {
        *expected,
        ("gpu", "NoSchedule"),
    }


def test_a_no_execute_taint_changes_with_the_reason_and_goes_when_told() -> None:
    present = [{"key": NOT_READY, "effect": "NoExecute", "timeAdded": "t"}]
    silent = node(ready="Unknown", taints=present)
    kept = health.taints(silent, execute=None, now=NOW)
    assert (UNREACHABLE, "NoExecute") in _pairs(kept)
    assert (NOT_READY, "NoExecute") not in _pairs(kept)
    assert _pairs(health.taints(silent, execute=False, now=NOW)) == {(UNREACHABLE, "NoSchedule")}
    assert health.taints(node(taints=present), execute=None, now=NOW) == []


def test_a_taint_that_stays_keeps_its_time() -> None:
    first = health.taints(node(ready="Unknown"), execute=True, now=NOW)
    again = health.taints(node(ready="Unknown", taints=first), execute=None, now=NOW + 99)
    assert again == first


def test_pressure_and_cordoning_are_taints_too() -> None:
    pressed = node(unschedulable=True, conditions=[{"type": "DiskPressure", "status": "True"}])
    assert _pairs(health.taints(pressed, execute=None, now=NOW)) == {
        ("node.kubernetes.io/disk-pressure", "NoSchedule"),
        (UNSCHEDULABLE, "NoSchedule"),
    }


def test_a_changed_lease_is_a_sign_of_life() -> None:
    heartbeats = Heartbeats()
    lease = {"metadata": {"name": "node1"}, "spec": {"renewTime": "1"}}
    heartbeats.lease_changed(None, lease, 100.0)
    heartbeats.lease_changed(lease, {**lease, "spec": {"renewTime": "1"}}, 130.0)
    assert heartbeats.silence("node1", 140.0) == 40.0
    heartbeats.lease_changed(lease, {**lease, "spec": {"renewTime": "2"}}, 140.0)
    assert heartbeats.silence("node1", 145.0) == 5.0


def test_what_the_controller_writes_itself_is_no_sign_of_life() -> None:
    heartbeats = Heartbeats()
    heartbeats.node_changed(None, node(), 0.0)
    heartbeats.node_changed(node(), node(ready="Unknown"), 50.0)
    assert heartbeats.silence("node1", 60.0) == 60.0
    heartbeats.node_changed(node(ready="Unknown"), node(), 61.0)
    assert heartbeats.silence("node1", 61.0) == 0.0


def test_only_ready_pods_are_made_unready() -> None:
    patch = unready(pod("web"), NOW)
    assert patch is not None
    (told,) = patch["status"]["conditions"]
    assert (told["type"], told["status"]) == ("Ready", "False")
    assert unready(pod("web", ready=False), NOW) is None
    assert unready(pod("web", phase="Succeeded"), NOW) is None
