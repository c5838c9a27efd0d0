"""What runs right after a container's start and before its end, and who ends last."""

from typing import Any

from labctl.api.kinds.core import PODS
from labctl.api.objects import Obj, is_deleting
from labctl.node.pods.actions import StopContainer
from labctl.node.pods.plan import plan
from tests.node.conftest import Stage
from tests.node.pods import NOW, container, deleting, facts, pod, sandbox
from tests.node.scene import Scene
from tests.node.test_agent import program


def test_sidecars_end_after_those_they_serve_the_last_first() -> None:
    obj = deleting(pod("web", init=("one", "two")))
    for init in obj["spec"]["initContainers"]:
        init["restartPolicy"] = "Always"
    web, one, two = container("web"), container("one"), container("two")

    def stopped(*running: Any) -> list[str]:
        actions = plan(obj, facts(sandbox(), *running), NOW).actions
        return [a.container.config.name for a in actions if isinstance(a, StopContainer)]

    assert stopped(web, one, two) == ["web"]
    ended = container("web", "exited")
    assert stopped(ended, one, two) == ["two"]
    assert stopped(ended, one, container("two", "exited")) == ["one"]


def shell(script: str) -> Obj:
    return {"exec": {"command": ["sh", "-c", script]}}


def shared(container: Obj, **lifecycle: Obj) -> Obj:
    return {
        **container,
        "lifecycle": lifecycle,
        "volumeMounts": [{"name": "v", "mountPath": "/v"}],
    }


VOLUMES: Any = [{"name": "v", "emptyDir": {}}]


async def run(scene: Scene, at: str, container: int, script: str) -> str:
    obj = await scene.admin.get(PODS, at, "default")
    identity = obj["status"]["containerStatuses"][container]["containerID"].rpartition("/")[2]
    return (await scene.runtime.exec_sync(identity, ("sh", "-c", script), 5)).stdout.decode()


def test_a_hook_runs_after_the_start(stage: Stage) -> None:
    async def play(scene: Scene) -> None:
        hook = shell("echo started >/v/log")
        await scene.create(
            "web", shared(program("c", "exec sleep 60"), postStart=hook), volumes=VOLUMES
        )
        await scene.ready("web")
        assert await run(scene, "web", 0, "cat /v/log") == "started\n"

    stage(play)


def test_a_container_whose_hook_fails_is_ended_and_started_anew(stage: Stage) -> None:
    async def play(scene: Scene) -> None:
        hook = shell("test -e /v/second || { touch /v/second; exit 3; }")
        spec: Any = {"terminationGracePeriodSeconds": 0, "volumes": VOLUMES}
        await scene.create("web", shared(program("c", "exec sleep 60"), postStart=hook), **spec)
        obj = await scene.ready("web")
        assert obj["status"]["containerStatuses"][0]["restartCount"] == 1
        assert "FailedPostStartHook" in await scene.reasons("web")

    stage(play)


def test_a_hook_runs_before_the_end_and_has_its_time(stage: Stage) -> None:
    async def play(scene: Scene) -> None:
        script = "trap 'echo term >>/v/log; exit 0' TERM; while :; do sleep 0.05; done"
        first = shared(program("c", script), preStop=shell("echo hook >>/v/log"))
        watcher = shared(program("w", "until grep -q term /v/log; do sleep 0.05; done; sleep 60"))
        await scene.create("web", first, watcher, volumes=VOLUMES)
        await scene.ready("web")
        await scene.admin.delete(PODS, "web", "default")
        await scene.until(PODS, "web", is_deleting)

        def has_ended(obj: Obj) -> bool:
            return "terminated" in obj["status"]["containerStatuses"][0]["state"]

        await scene.until(PODS, "web", has_ended)
        assert await run(scene, "web", 1, "cat /v/log") == "hook\nterm\n"
        await scene.admin.delete(PODS, "web", "default", grace=1)
        await scene.until_gone(PODS, "web")

    stage(play)


def test_a_hook_that_takes_too_long_is_cut_short(stage: Stage) -> None:
    async def play(scene: Scene) -> None:
        hook = shell("sleep 600")
        await scene.create(
            "web", shared(program("c", "exec sleep 60"), preStop=hook), volumes=VOLUMES
        )
        await scene.ready("web")
        await scene.admin.delete(PODS, "web", "default", grace=1)
        await scene.until_gone(PODS, "web")
        assert "FailedPreStopHook" in await scene.reasons("web")

    stage(play)
