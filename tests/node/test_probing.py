"""Probes of real containers: what an agent does about the answers."""

from typing import Any

from labctl.api.kinds.core import PODS
from labctl.api.objects import Obj, is_condition_true
from tests.node.conftest import Stage
from tests.node.scene import Scene
from tests.node.test_agent import STAND_IN, program

QUICK: Any = {"periodSeconds": 1, "failureThreshold": 1}


def shell(script: str) -> Obj:
    return {"exec": {"command": ["sh", "-c", script]}, **QUICK}


def told(obj: Obj) -> Obj:
    statuses = (obj.get("status") or {}).get("containerStatuses") or [{}]
    return dict(statuses[0])


async def run(scene: Scene, pod: str, script: str) -> None:
    container = (await scene.admin.get(PODS, pod, "default"))["status"]["containerStatuses"][0]
    identity = container["containerID"].rpartition("/")[2]
    assert (await scene.runtime.exec_sync(identity, ("sh", "-c", script), 5)).exit_code == 0


def test_a_pod_is_ready_while_its_probe_says_so(stage: Stage) -> None:
    async def play(scene: Scene) -> None:
        container = {**program("c", "exec sleep 60"), "readinessProbe": shell("test -e /tmp/ready")}
        await scene.create("web", container)
        obj = await scene.until(PODS, "web", lambda obj: bool(told(obj).get("started")))
        assert obj["status"]["phase"] == "Running"
        assert not is_condition_true(obj, "Ready")
        await run(scene, "web", "touch /tmp/ready")
        await scene.ready("web")
        await run(scene, "web", "rm /tmp/ready")
        obj = await scene.until(PODS, "web", lambda obj: not is_condition_true(obj, "Ready"))
        assert told(obj)["restartCount"] == 0
        assert "Unhealthy" in await scene.reasons("web")

    stage(play)


def test_a_container_that_lives_no_more_is_started_anew(stage: Stage) -> None:
    async def play(scene: Scene) -> None:
        script = "trap 'exit 3' TERM; while :; do sleep 0.05; done"
        container = {**program("c", script), "livenessProbe": shell("test ! -e /tmp/broken")}
        await scene.create("web", container)
        before = await scene.ready("web")
        await run(scene, "web", "touch /tmp/broken")
        after = await scene.until(PODS, "web", lambda obj: told(obj).get("restartCount", 0) == 1)
        assert after["status"]["podIP"] == before["status"]["podIP"]
        assert told(after)["lastState"]["terminated"]["exitCode"] == 3
        await scene.ready("web")

    stage(play)


def test_nothing_else_is_asked_before_a_container_has_started(stage: Stage) -> None:
    async def play(scene: Scene) -> None:
        container = {
            **program("c", "exec sleep 60"),
            "startupProbe": {**shell("test -e /tmp/started"), "failureThreshold": 100},
            "livenessProbe": shell("test -e /tmp/started"),
        }
        await scene.create("slow", container)
        obj = await scene.until(PODS, "slow", lambda obj: "running" in told(obj).get("state", {}))
        assert told(obj)["started"] is False
        await run(scene, "slow", "touch /tmp/started")
        obj = await scene.ready("slow")
        assert told(obj)["restartCount"] == 0

    stage(play)


def test_a_stand_in_answers_to_what_it_can_be_asked(stage: Stage) -> None:
    async def play(scene: Scene) -> None:
        probes = {
            "startupProbe": {"exec": {"command": ["redis-cli", "ping"]}, **QUICK},
            "readinessProbe": {"httpGet": {"port": 80}, **QUICK},
            "livenessProbe": {"grpc": {"port": 9000}, **QUICK},
        }
        await scene.create("web", {**STAND_IN, **probes})
        await scene.ready("web")
        assert "Unhealthy" not in await scene.reasons("web")

    stage(play)


def test_an_agent_that_is_started_again_takes_a_ready_pod_for_ready(stage: Stage) -> None:
    async def play(scene: Scene) -> None:
        container = {**program("c", "exec sleep 60"), "readinessProbe": shell("true")}
        await scene.create("web", container)
        before = await scene.ready("web")
        await scene.end_agent()
        seen = before["metadata"]["resourceVersion"]
        scene.start_agent()
        await scene.create("next", program("c", "exec sleep 60"))
        async for event in scene.admin.watch(PODS, "default", resource_version=seen):
            obj = event.object
            assert obj["metadata"]["name"] != "web" or is_condition_true(obj, "Ready")
            if obj["metadata"]["name"] == "next" and is_condition_true(obj, "Ready"):
                break
        after = await scene.admin.get(PODS, "web", "default")
        assert told(after)["containerID"] == told(before)["containerID"]

    stage(play)
