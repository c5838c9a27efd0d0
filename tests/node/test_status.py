"""What the API is told of a pod, from its object and what the node has of it."""

from typing import Any

import pytest

from labctl.api.kinds.core import PODS
from labctl.api.objects import Obj, condition
from labctl.api.patches.strategic import strategic_merge_patch
from labctl.api.patches.strategic_diff import strategic_diff
from labctl.node.pods.facts import Failure, PodFacts
from labctl.node.pods.phase import phase
from labctl.node.pods.qos import qos_class
from labctl.node.pods.status import pod_status
from tests.node.pods import NOW, container, deleting, facts, pod, sandbox

HOST = "172.30.1.1"
NEVER: Any = {"restartPolicy": "Never"}
ON_FAILURE: Any = {"restartPolicy": "OnFailure"}
ENDED = container(state="exited")
CRASHED = container(state="exited", code=3)


def status(obj: Obj, had: PodFacts) -> Obj:
    return pod_status(obj, had, HOST, NOW)


def conditions(obj: Obj, had: PodFacts) -> dict[str, tuple[str, str, str]]:
    told = status(obj, had)["conditions"]
    return {c["type"]: (c["status"], c.get("reason", ""), c.get("message", "")) for c in told}


def state(obj: Obj, had: PodFacts, index: int = 0) -> Any:
    return status(obj, had)["containerStatuses"][index]["state"]


PHASES: list[tuple[str, Obj, PodFacts, str]] = [
    ("nothing yet", pod(), facts(), "Pending"),
    ("created only", pod(), facts(sandbox(), container(state="created")), "Pending"),
    ("one of two", pod("web", "log"), facts(sandbox(), container()), "Pending"),
    ("running", pod(), facts(sandbox(), container()), "Running"),
    ("Always: ended", pod(), facts(sandbox(), ENDED), "Running"),
    ("Always: crashed", pod(), facts(sandbox(), CRASHED), "Running"),
    ("Never: ended", pod(**NEVER), facts(sandbox(), ENDED), "Succeeded"),
    ("Never: crashed", pod(**NEVER), facts(sandbox(), CRASHED), "Failed"),
    (
        "Never: one of two still runs",
        pod("web", "log", **NEVER),
        facts(sandbox(), CRASHED, container("log")),
        "Running",
    ),
    ("OnFailure: ended", pod(**ON_FAILURE), facts(sandbox(), ENDED), "Succeeded"),
    ("OnFailure: crashed", pod(**ON_FAILURE), facts(sandbox(), CRASHED), "Running"),
    ("init runs", pod(init=("a",)), facts(sandbox(), container("a")), "Pending"),
    (
        "init failed for good",
        pod(init=("a",), **NEVER),
        facts(sandbox(), container("a", "exited", code=1)),
        "Failed",
    ),
    ("what has ended stays ended", pod(status={"phase": "Succeeded"}), facts(), "Succeeded"),
]


@pytest.mark.parametrize(
    ("obj", "had", "told"), [r[1:] for r in PHASES], ids=[r[0] for r in PHASES]
)
def test_phase(obj: Obj, had: PodFacts, told: str) -> None:
    assert phase(obj, had) == told


def test_the_status_of_a_running_pod() -> None:
    told = {"startTime": "2023-11-14T22:13:00Z", "qosClass": "BestEffort", "conditions": []}
    got = status(pod(status=told), facts(sandbox(), container(stand_in=True)))
    for one in got["conditions"]:
        del one["lastTransitionTime"]
    assert got == {
        "phase": "Running",
        "conditions": [
            {"type": kind, "status": "True"}
            for kind in (
                "PodReadyToStartContainers",
                "Initialized",
                "Ready",
                "ContainersReady",
                "PodScheduled",
            )
        ],
        "hostIP": HOST,
        "hostIPs": [{"ip": HOST}],
        "podIP": "10.244.1.2",
        "podIPs": [{"ip": "10.244.1.2"}],
        "startTime": "2023-11-14T22:13:00Z",
        "qosClass": "BestEffort",
        "containerStatuses": [
            {
                "name": "web",
                "state": {"running": {"startedAt": "2023-11-14T22:12:20Z"}},
                "lastState": {},
                "ready": True,
                "started": True,
                "restartCount": 0,
                "image": "nginx:1.14.2",
                "imageID": "labctl://stand-in",
                "containerID": "labctl://web-0",
            }
        ],
    }


def test_conditions_name_the_containers_that_are_not_ready() -> None:
    had = facts(sandbox(), container("web"), container("log", "created"))
    text = "containers with unready status: [log]"
    assert conditions(pod("web", "log"), had)["Ready"] == ("False", "ContainersNotReady", text)


def test_conditions_name_the_init_containers_that_are_not_done() -> None:
    had = facts(sandbox(), container("a"))
    got = conditions(pod(init=("a", "b")), had)["Initialized"]
    text = "containers with incomplete status: [a b]"
    assert got == ("False", "ContainersNotInitialized", text)


@pytest.mark.parametrize(("last", "reason"), [(ENDED, "PodCompleted"), (CRASHED, "PodFailed")])
def test_a_pod_that_has_ended_is_not_ready(last: Any, reason: str) -> None:
    assert conditions(pod(**NEVER), facts(sandbox(), last))["Ready"] == ("False", reason, "")


def test_readiness_gates_hold_back_only_the_pods_own_readiness() -> None:
    gated = pod(readinessGates=[{"conditionType": "lb"}])
    got = conditions(gated, facts(sandbox(), container()))
    assert got["ContainersReady"][0] == "True"
    assert got["Ready"][:2] == ("False", "ReadinessGatesNotReady")


def test_conditions_of_others_are_kept() -> None:
    told = {"conditions": [{"type": "DisruptionTarget", "status": "True", "reason": "Why"}]}
    got = conditions(pod(status=told), facts(sandbox(), container()))
    assert got["DisruptionTarget"] == ("True", "Why", "")


def test_a_container_that_waits_to_restart_tells_how_it_ended() -> None:
    had = facts(sandbox(), CRASHED, delays={"web": 160.0})
    (told,) = status(pod(), had)["containerStatuses"]
    assert told["state"]["waiting"] == {
        "reason": "CrashLoopBackOff",
        "message": "back-off 2m40s restarting failed container=web pod=web-0_default(0b1c)",
    }
    assert told["lastState"]["terminated"]["exitCode"] == 3
    assert not told["ready"]


def test_a_container_that_was_restarted_tells_how_it_ended_before() -> None:
    had = facts(sandbox(), CRASHED, container(attempt=1))
    (told,) = status(pod(), had)["containerStatuses"]
    assert told["restartCount"] == 1
    assert told["lastState"]["terminated"]["reason"] == "Error"
    assert told["state"]["running"]


def test_a_container_that_could_not_be_created_says_why() -> None:
    had = facts(sandbox(), failures={"web": Failure("CreateContainerError", "no such program")})
    told = {"reason": "CreateContainerError", "message": "no such program"}
    assert state(pod(), had) == {"waiting": told}


def test_containers_wait_for_the_init_containers() -> None:
    assert state(pod(init=("a",)), facts(sandbox())) == {"waiting": {"reason": "PodInitializing"}}
    assert state(pod(), facts(sandbox())) == {"waiting": {"reason": "ContainerCreating"}}


def test_a_stand_in_for_an_init_container_is_told_as_completed() -> None:
    had = facts(sandbox(), container("a", "created", stand_in=True))
    (told,) = status(pod(init=("a",)), had)["initContainerStatuses"]
    assert told["state"]["terminated"]["reason"] == "Completed"
    assert told["ready"]


def test_what_the_runtime_has_forgotten_is_told_as_unknown() -> None:
    told = {
        "name": "web",
        "containerID": "labctl://old",
        "restartCount": 2,
        "state": {"running": {}},
    }
    obj = pod(status={"containerStatuses": [told]})
    (got,) = status(obj, facts())["containerStatuses"]
    assert got["state"]["terminated"]["reason"] == "ContainerStatusUnknown"
    assert (got["ready"], got["restartCount"]) == (False, 2)


def test_a_pod_has_an_address_only_while_its_sandbox_is_on_the_network() -> None:
    told = {"podIP": "10.244.1.2", "podIPs": [{"ip": "10.244.1.2"}]}
    gone = facts(sandbox(state="notready"), stopped=frozenset({"0b1c-0"}))
    assert "podIP" not in status(pod(status=told), gone)
    assert "podIP" not in status(pod(), facts(sandbox(), attached=frozenset()))
    assert status(deleting(pod(status=told)), gone)["podIP"] == "10.244.1.2"
    assert status(pod(hostNetwork=True), facts())["podIP"] == HOST


def test_a_status_that_says_the_same_is_the_same() -> None:
    had = facts(sandbox(), container())
    told = status(pod(), had)
    assert status(pod(status=told), had) == told


def test_a_condition_keeps_its_time_until_it_flips() -> None:
    old = "2023-01-01T00:00:00Z"
    kinds = ("Initialized", "Ready")
    told = {"conditions": [{"type": k, "status": "True", "lastTransitionTime": old} for k in kinds]}
    now = status(pod(status=told), facts(sandbox(), CRASHED))
    initialized = condition({"status": now}, "Initialized")
    ready = condition({"status": now}, "Ready")
    assert initialized is not None
    assert ready is not None
    assert initialized["lastTransitionTime"] == old != ready["lastTransitionTime"]


def test_an_address_that_changed_replaces_the_old_one_by_a_strategic_patch() -> None:
    told = status(pod(), facts(sandbox(), container()))
    now = status(pod(status=told), facts(sandbox(1, ip="10.244.1.9"), container(in_sandbox=1)))
    patch = strategic_diff(PODS, {"status": told}, {"status": now})
    assert strategic_merge_patch(PODS, {"status": told}, patch) == {"status": now}
    assert now["podIPs"] == [{"ip": "10.244.1.9"}]


@pytest.mark.parametrize(
    ("resources", "told"),
    [
        ({}, "BestEffort"),
        ({"requests": {"cpu": "1"}}, "Burstable"),
        ({"limits": {"cpu": "1", "memory": "1Gi"}}, "Guaranteed"),
        ({"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "500m"}}, "Burstable"),
    ],
)
def test_quality_of_service(resources: Obj, told: str) -> None:
    assert qos_class(pod(containers=[{"name": "web", "resources": resources}])) == told
