"""An agent and images: what a pod is told of one that is not to be had, and what comes of one that is."""

from dataclasses import replace
from pathlib import Path

import pytest

from labctl import names
from labctl.api.kinds.cluster import RUNTIMECLASSES
from labctl.api.kinds.core import EVENTS, NODES, PODS
from labctl.api.lab import STRICT
from labctl.api.objects import Obj
from labctl.api.version import architecture
from labctl.images.load import load
from labctl.images.store import Store
from tests.images.layouts import busybox_image
from tests.node.conftest import Stage
from tests.node.scene import NODE, Scene, turn

IMAGE = "busybox:test"
FULL = "docker.io/library/busybox:test"


def container(image: str, *command: str, **fields: object) -> Obj:
    return {"name": "main", "image": image, "command": list(command), **fields}


def waiting(pod: Obj) -> Obj:
    statuses = (pod.get("status") or {}).get("containerStatuses") or [{}]
    found: Obj = (statuses[0].get("state") or {}).get("waiting") or {}
    return found


async def until_waiting(scene: Scene, pod: str, reason: str) -> str:
    """The message, as soon as the pod waits for that reason."""
    found = await scene.until(PODS, pod, lambda obj: waiting(obj).get("reason") == reason)
    return str(waiting(found).get("message"))


async def messages(scene: Scene, pod: str) -> set[tuple[str, str]]:
    events = (await scene.admin.list(EVENTS, "default")).items
    own = [one for one in events if one["involvedObject"]["name"] == pod]
    return {(one["reason"], one["message"]) for one in own}


async def told(scene: Scene, pod: str, *expected: tuple[str, str]) -> None:
    while not set(expected) <= await messages(scene, pod):
        await turn()


async def make_strict(scene: Scene) -> None:
    times = replace(scene.spec.times, crash_backoff_seconds=0.4, crash_backoff_limit_seconds=0.8)
    await scene.change_lab(images=STRICT, times=times)


async def load_busybox(scene: Scene, place: Path, name: str = IMAGE) -> None:
    store = Store(names.image_dir(scene.spec.name))
    load(store, str(busybox_image(place / "layout", IMAGE)), name, architecture(), set)
    await scene.runtime.images_changed()


def test_what_cannot_be_had_is_told_as_kubelets_tell_it(stage: Stage) -> None:
    async def play(scene: Scene) -> None:
        await scene.create("bad", container("Not A Name", "true"))
        invalid = (
            'Failed to apply default image tag "Not A Name": couldn\'t parse image name "Not A '
            'Name": invalid reference format: repository name (library/Not A Name) must be lowercase'
        )
        assert await until_waiting(scene, "bad", "InvalidImageName") == invalid
        await told(scene, "bad", ("InspectFailed", invalid), ("Failed", "Error: InvalidImageName"))

        await scene.create("never", container("absent", "sleep", "9", imagePullPolicy="Never"))
        never = 'Container image "absent" is not present with pull policy of Never'
        assert await until_waiting(scene, "never", "ErrImageNeverPull") == never
        await told(
            scene, "never", ("ErrImageNeverPull", never), ("Failed", "Error: ErrImageNeverPull")
        )

    stage(play)


def test_in_a_strict_lab_only_loaded_images_run(stage: Stage, tmp_path: Path) -> None:
    async def play(scene: Scene) -> None:
        await make_strict(scene)
        await scene.create("stand-in", container("absent:1"))
        await scene.create("program", container(IMAGE, "sleep", "1000"))
        why = 'failed to pull image "docker.io/library/absent:1": not loaded, and a lab has no registry to pull from'
        assert await until_waiting(scene, "stand-in", "ErrImagePull") == why
        backed_off = f'Back-off pulling image "absent:1": ErrImagePull: {why}'
        assert await until_waiting(scene, "stand-in", "ImagePullBackOff") == backed_off
        assert await until_waiting(scene, "stand-in", "ErrImagePull") == why, "and tries again"
        await told(
            scene,
            "stand-in",
            ("Pulling", 'Pulling image "absent:1"'),
            ("Failed", f'Failed to pull image "absent:1": {why}'),
            ("Failed", "Error: ErrImagePull"),
            ("BackOff", 'Back-off pulling image "absent:1"'),
            ("Failed", "Error: ImagePullBackOff"),
        )
        await until_waiting(scene, "program", "ImagePullBackOff")
        await load_busybox(scene, tmp_path)
        assert (await scene.ready("program"))["status"]["containerStatuses"][0]["image"] == FULL

    stage(play)


def test_whoever_waits_for_an_image_starts_when_it_comes(stage: Stage, tmp_path: Path) -> None:
    async def play(scene: Scene) -> None:
        await scene.create("waits", container("web:9", "sleep", "1000", imagePullPolicy="Never"))
        await until_waiting(scene, "waits", "ErrImageNeverPull")
        await load_busybox(scene, tmp_path, "web:9")
        await scene.ready("waits")  # long before the ten seconds of its next look

    stage(play)


def test_a_pod_of_an_image_tells_of_it(stage: Stage, tmp_path: Path) -> None:
    async def play(scene: Scene) -> None:
        await load_busybox(scene, tmp_path)
        node = await scene.until(NODES, NODE, lambda obj: bool(obj["status"].get("images")))
        [stored] = node["status"]["images"]
        assert stored["names"][1] == FULL
        await scene.create("own", container(IMAGE, "sleep", "1000"))
        status = (await scene.ready("own"))["status"]["containerStatuses"][0]
        assert (status["image"], status["imageID"]) == (FULL, stored["names"][0])
        assert status["imageID"].startswith("docker.io/library/busybox@sha256:")
        await told(
            scene, "own", ("Pulled", f'Container image "{IMAGE}" already present on machine')
        )

    stage(play)


@pytest.mark.parametrize("handler", ["", "crun"])
def test_its_probes_volumes_and_restarts_are_those_of_any_pod(
    stage: Stage, tmp_path: Path, handler: str
) -> None:
    async def play(scene: Scene) -> None:
        await load_busybox(scene, tmp_path)
        await scene.admin.create(RUNTIMECLASSES, {"metadata": {"name": "crun"}, "handler": "crun"})
        script = (
            "echo run >> /data/runs; test $(grep -c . /data/runs) = 1 && exit 7; exec sleep 1000"
        )
        main = container(
            IMAGE,
            "sh",
            "-c",
            script,
            volumeMounts=[{"name": "data", "mountPath": "/data"}],
            readinessProbe={"exec": {"command": ["grep", "run", "/data/runs"]}, "periodSeconds": 1},
        )
        wanted = {"runtimeClassName": handler} if handler else {}
        await scene.create("whole", main, volumes=[{"name": "data", "emptyDir": {}}], **wanted)
        pod = await scene.ready("whole")
        [status] = pod["status"]["containerStatuses"]
        assert status["restartCount"] == 1
        assert status["lastState"]["terminated"]["exitCode"] == 7
        [sandbox] = await scene.runtime.list_pod_sandboxes(NODE)
        assert sandbox.config.attempt == 0, "it came back into the same one"
        assert sandbox.config.handler == handler
        assert sandbox.config.ip == pod["status"]["podIP"]
        await scene.admin.delete(PODS, "whole", "default", grace=0)
        await scene.until_gone(PODS, "whole")

    stage(play)


def test_a_class_or_handler_that_is_not_there_is_told(stage: Stage) -> None:
    async def play(scene: Scene) -> None:
        api = scene.admin
        for name, handler in (("kata", "kata-fc"), ("gone", "crun")):
            await api.create(RUNTIMECLASSES, {"metadata": {"name": name}, "handler": handler})
        await scene.end_agent()
        for name in ("kata", "gone"):
            await scene.create(name, container(IMAGE, "true"), runtimeClassName=name)
        await api.delete(RUNTIMECLASSES, "gone")
        scene.start_agent()
        failed = "Failed to create pod sandbox: "
        no_runtime = 'failed to get sandbox runtime: no runtime for "kata-fc" is configured'
        await told(scene, "kata", ("FailedCreatePodSandBox", failed + no_runtime))
        no_class = 'runtimeclass.node.k8s.io "gone" not found'
        await told(scene, "gone", ("FailedCreatePodSandBox", failed + no_class))

    stage(play)
