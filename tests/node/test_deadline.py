"""spec.activeDeadlineSeconds: a pod that may be active only so long."""

from typing import Any

from labctl.api.kinds.core import PODS
from labctl.api.objects import Obj, condition
from labctl.node.pods.deadline import MESSAGE, time_left
from labctl.node.pods.plan import plan
from labctl.node.pods.status import pod_status
from tests.node.conftest import Stage
from tests.node.pods import NOW, container, facts, pod, sandbox
from tests.node.scene import Scene
from tests.node.test_agent import program

STARTED: Obj = {"startTime": "2023-11-14T22:13:10Z"}  # 10 s before NOW
SPEC: Any = {"activeDeadlineSeconds": 30, "terminationGracePeriodSeconds": 7}


def sentences(obj: Obj, *things: Any, now: float = NOW) -> tuple[list[str], float | None]:
    step = plan(obj, facts(*things), now)
    return [action.describe() for action in step.actions], step.again


def test_the_time_left_counts_from_the_pods_start() -> None:
    assert time_left(pod(status=STARTED, **SPEC), NOW) == 20
    assert time_left(pod(**SPEC), NOW) == 30  # nobody has said yet that it started
    assert time_left(pod(status=STARTED), NOW) is None


def test_a_pod_is_looked_at_again_when_its_time_is_over() -> None:
    obj = pod(status=STARTED, **SPEC)
    assert sentences(obj, sandbox(), container()) == ([], 20)
    late = NOW + 20
    assert sentences(obj, sandbox(), container(), now=late) == (["stop container web"], None)
    ended = container(state="exited", code=143)
    assert sentences(obj, sandbox(), ended, now=late)[0] == ["stop sandbox 0b1c-0"]
    assert sentences(obj, now=late) == ([], None)  # nothing is started any more


def test_it_has_failed_once_nothing_runs_any_more() -> None:
    obj = pod(status={"phase": "Running", **STARTED}, **SPEC)
    late = NOW + 21
    running = pod_status(obj, facts(sandbox(), container()), "", late)
    assert (running["phase"], "reason" in running) == ("Running", False)
    ended = pod_status(obj, facts(sandbox(), container(state="exited", code=143)), "", late)
    told = (ended["phase"], ended["reason"], ended["message"])
    assert told == ("Failed", "DeadlineExceeded", MESSAGE)
    ready = condition({"status": ended}, "Ready")
    assert ready is not None
    assert (ready["status"], ready["reason"]) == ("False", "PodFailed")


def test_one_that_succeeded_in_time_has_not_failed() -> None:
    obj = pod(status={"phase": "Succeeded", **STARTED}, restartPolicy="Never", **SPEC)
    ended = pod_status(obj, facts(sandbox(), container(state="exited")), "", NOW + 100)
    assert (ended["phase"], "reason" in ended) == ("Succeeded", False)


def test_a_pod_whose_time_is_over_is_ended_for_good(stage: Stage) -> None:
    async def play(scene: Scene) -> None:
        spec: Any = {"activeDeadlineSeconds": 1, "terminationGracePeriodSeconds": 0}
        await scene.create("job", program("c", "sleep 600"), **spec)
        obj = await scene.until(PODS, "job", lambda one: one["status"]["phase"] == "Failed")
        assert obj["status"]["reason"] == "DeadlineExceeded"
        state = obj["status"]["containerStatuses"][0]["state"]["terminated"]
        assert (state["exitCode"], state["reason"]) == (137, "Error")
        assert "DeadlineExceeded" in await scene.reasons("job")
        assert obj["status"]["containerStatuses"][0]["restartCount"] == 0

    stage(play)
