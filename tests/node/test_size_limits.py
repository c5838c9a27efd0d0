"""emptyDirs with a limit: what is counted, and what becomes of a pod that exceeds one."""

import os
from pathlib import Path
from typing import Any

import pytest

from labctl.api.kinds.core import PODS
from labctl.api.lab import Times
from labctl.api.objects import Obj
from labctl.node.pods.plan import plan
from labctl.node.pods.status import pod_status
from labctl.node.volumes.size_limits import disk_usage, exceeded, limited_volumes
from tests.node.conftest import Stage
from tests.node.pods import NOW, container, facts, pod, sandbox
from tests.node.scene import Scene
from tests.node.test_agent import program
from tests.node.test_volumes import mount

WHY = exceeded("work", "1Mi")


def limited(empty: Obj, **spec: Any) -> Obj:
    return pod(volumes=[{"name": "work", "emptyDir": empty}], **spec)


@pytest.mark.parametrize(
    ("obj", "limits"),
    [
        (limited({"sizeLimit": "1Mi"}), {"work": "1Mi"}),
        (limited({"sizeLimit": "0"}), {}),
        (limited({}), {}),
        (limited({"medium": "Memory", "sizeLimit": "1Mi"}), {}),
        (limited({"sizeLimit": "1Mi"}, priority=2_000_000_000), {}),
        (limited({"sizeLimit": "1Mi"}, status={"phase": "Failed"}), {}),
        (pod(), {}),
        (None, {}),
    ],
)
def test_what_is_looked_at(obj: Obj | None, limits: dict[str, str]) -> None:
    assert limited_volumes(obj) == limits


def test_usage_is_what_the_disk_has_to_keep(tmp_path: Path) -> None:
    assert disk_usage(tmp_path / "none") == 0
    empty = disk_usage(tmp_path)
    (tmp_path / "deep").mkdir()
    file = tmp_path / "deep" / "file"
    file.write_bytes(os.urandom(300_000))
    once = disk_usage(tmp_path)
    assert 300_000 <= once - empty < 320_000
    os.link(file, tmp_path / "again")
    (tmp_path / "link").symlink_to("/usr/bin/env")
    with (tmp_path / "holes").open("wb") as holes:
        holes.truncate(1 << 30)
    assert disk_usage(tmp_path) - once < 20_000


def test_an_evicted_pod_is_taken_down_and_has_failed_once_nothing_runs() -> None:
    obj = limited({"sizeLimit": "1Mi"}, status={"phase": "Running"})
    running = facts(sandbox(), container(), eviction=WHY)
    (stop,) = plan(obj, running, NOW).actions
    assert (stop.describe(), getattr(stop, "deadline", 0)) == ("stop container web", NOW + 1)
    assert pod_status(obj, running, "", NOW)["phase"] == "Running"
    ended = facts(sandbox(), container(state="exited", code=137), eviction=WHY)
    assert [one.describe() for one in plan(obj, ended, NOW).actions] == ["stop sandbox 0b1c-0"]
    status = pod_status(obj, ended, "", NOW)
    assert (status["phase"], status["reason"], status["message"]) == ("Failed", "Evicted", WHY)


def test_a_pod_that_holds_too_much_is_evicted(stage: Stage) -> None:
    async def play(scene: Scene) -> None:
        await scene.change_lab(times=Times(heartbeat_seconds=1))
        volumes: list[Obj] = [{"name": "work", "emptyDir": {"sizeLimit": "1Mi"}}]
        mounts = {"volumeMounts": [mount("work", "/work")]}
        greedy = "head -c 2000000 /dev/zero >/work/file; exec sleep 600"
        await scene.create("modest", {**program("c", "exec sleep 600"), **mounts}, volumes=volumes)
        await scene.create("greedy", {**program("c", greedy), **mounts}, volumes=volumes)
        obj = await scene.until(PODS, "greedy", lambda one: one["status"]["phase"] == "Failed")
        told = obj["status"]
        assert (told["reason"], told["message"]) == ("Evicted", WHY)
        assert "Evicted" in await scene.reasons("greedy")
        assert (await scene.ready("modest"))["status"]["containerStatuses"][0]["restartCount"] == 0

    stage(play)


def test_memory_is_limited_by_the_kernel(stage: Stage) -> None:
    async def play(scene: Scene) -> None:
        empty = {"medium": "Memory", "sizeLimit": "1Mi"}
        script = "head -c 2000000 /dev/zero >/work/file 2>/dev/termination-log; exit 3"
        own = {**program("c", script), "volumeMounts": [mount("work", "/work")]}
        volume = {"name": "work", "emptyDir": empty}
        await scene.create("job", own, volumes=[volume], restartPolicy="Never")
        obj = await scene.until(PODS, "job", lambda one: one["status"]["phase"] == "Failed")
        ended = obj["status"]["containerStatuses"][0]["state"]["terminated"]
        assert "No space left on device" in ended["message"]

    stage(play)
