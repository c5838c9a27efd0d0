"""Ephemeral containers: added to a pod that runs, to look into it."""

from typing import Any

from labctl.api.kinds.core import PODS
from labctl.api.objects import Obj
from labctl.node.pods.plan import plan
from labctl.node.pods.status import pod_status
from tests.node.conftest import Stage
from tests.node.pods import NOW, container, facts, pod, sandbox
from tests.node.scene import Scene
from tests.node.test_agent import program

TOOL: Any = {"ephemeralContainers": [{"name": "tool", "image": "busybox"}]}


def sentences(obj: Obj, *things: Any) -> list[str]:
    return [action.describe() for action in plan(obj, facts(*things), NOW).actions]


def test_it_is_started_once_beside_the_others() -> None:
    obj = pod(**TOOL)
    assert sentences(obj, sandbox(), container()) == ["create container tool, attempt 0"]
    made = container("tool", "created")
    assert sentences(obj, sandbox(), container(), made) == ["start container tool"]
    assert sentences(obj, sandbox(), container(), container("tool")) == []
    ended = container("tool", "exited", code=1)
    assert sentences(obj, sandbox(), container(), ended) == []


def test_init_containers_do_not_hold_it_up() -> None:
    obj = pod(init=("first",), **TOOL)
    assert sentences(obj, sandbox(), container("first")) == ["create container tool, attempt 0"]


def test_it_does_not_come_back_into_a_new_sandbox() -> None:
    obj = pod(**TOOL)
    had = (sandbox(0, "notready"), sandbox(1), container("tool", "exited", code=137))
    now = facts(*had, container(attempt=1, in_sandbox=1), stopped=frozenset({"0b1c-0"}))
    assert [one.describe() for one in plan(obj, now, NOW).actions] == []


def test_its_status_has_a_list_of_its_own_and_changes_nothing_else() -> None:
    obj = pod(restartPolicy="Never", **TOOL)
    had = facts(sandbox(), container(state="exited"), container("tool"))
    status = pod_status(obj, had, "", NOW)
    assert status["phase"] == "Succeeded"
    (told,) = status["ephemeralContainerStatuses"]
    assert (told["name"], told["ready"], "running" in told["state"]) == ("tool", False, True)
    assert [one["name"] for one in status["containerStatuses"]] == ["web"]
    waiting = pod_status(obj, facts(sandbox(), container()), "", NOW)
    state = waiting["ephemeralContainerStatuses"][0]["state"]
    assert state == {"waiting": {"reason": "ContainerCreating"}}


def test_it_looks_at_the_processes_of_its_target_and_tells_how_it_ended(stage: Stage) -> None:
    async def play(scene: Scene) -> None:
        await scene.create("web", program("c", "exec sleep 1009"))
        await scene.ready("web")
        look = program("tool", "ps -eo args= | grep -q '^sleep 1009' && exit 7")
        await add(scene, {**look, "targetContainerName": "c"})
        obj = await scene.until(PODS, "web", has_ended)
        (told,) = obj["status"]["ephemeralContainerStatuses"]
        assert told["state"]["terminated"]["exitCode"] == 7
        assert obj["status"]["phase"] == "Running"

        await add(scene, {"name": "shell", "image": "busybox"})  # a shell, whose input is empty
        obj = await scene.until(PODS, "web", has_ended)
        codes = {
            one["name"]: one["state"]["terminated"]["exitCode"]
            for one in obj["status"]["ephemeralContainerStatuses"]
        }
        assert codes == {"tool": 7, "shell": 0}

    stage(play)


def test_beside_a_stand_in_it_has_the_pods_network(stage: Stage) -> None:
    async def play(scene: Scene) -> None:
        await scene.create("web", {"name": "c", "image": "nginx"})
        obj = await scene.ready("web")
        address = obj["status"]["podIP"]
        look = program("tool", f"ip -o addr show dev eth0 | grep -q {address} && exit 7")
        await add(scene, {**look, "targetContainerName": "c"})
        obj = await scene.until(PODS, "web", has_ended)
        (told,) = obj["status"]["ephemeralContainerStatuses"]
        assert told["state"]["terminated"]["exitCode"] == 7

    stage(play)


def has_ended(pod: Obj) -> bool:
    told = pod["status"].get("ephemeralContainerStatuses") or []
    wanted = len(pod["spec"].get("ephemeralContainers") or ())
    return len(told) == wanted and all("terminated" in one["state"] for one in told)


async def add(scene: Scene, container: Obj) -> None:
    await scene.admin.patch(
        PODS,
        "web",
        {"spec": {"ephemeralContainers": [container]}},
        "default",
        subresource="ephemeralcontainers",
        type="strategic",
    )
