"""labctl image, from an archive to a pod that people and kubectl look into."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from labctl import names
from tests.command import Labctl
from tests.conftest import MakeLab
from tests.images.layouts import Layout, busybox_image, busybox_layer, entry, layer

LAB = """\
apiVersion: labctl.io/v1alpha1
kind: Lab
spec: {nodes: 2, images: strict}
"""
PODS = """\
apiVersion: v1
kind: Pod
metadata: {name: NAME}
spec:
  CLASS
  terminationGracePeriodSeconds: 0
  containers:
  - name: main
    image: busybox:test
    command: [sh, -c, "echo started; exec httpd -f -p 8080 -h /srv"]
    ports: [{containerPort: 8080}]
    readinessProbe: {httpGet: {path: /, port: 8080}, periodSeconds: 1}
"""


@pytest.fixture(scope="module")
def strict(make_lab: MakeLab) -> Labctl:
    return make_lab("-", stdin=LAB)


@pytest.fixture(scope="module")
def busybox(strict: Labctl, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Loaded, under the name that its archive gives it."""
    place = busybox_image(tmp_path_factory.mktemp("busybox"), Cmd=["sh"], User="web")
    out = strict.ok("image", "load", str(place))
    assert out == "Loaded image: docker.io/library/busybox:test\n"
    return "docker.io/library/busybox:test"


@pytest.fixture(params=["own", "crun"])
def pod(request: pytest.FixtureRequest, strict: Labctl, busybox: str) -> Iterator[str]:
    """A pod of busybox, Ready: run by the lab itself, or by crun."""
    assert busybox
    name = str(request.param)
    wanted = "runtimeClassName: crun" if name == "crun" else "hostNetwork: false"
    manifest = PODS.replace("NAME", name).replace("CLASS", wanted)
    strict.ok("apply", "-f", "-", stdin=manifest)
    strict.ok("wait", "--for=condition=Ready", f"pod/{name}", "--timeout=20s")
    yield name
    strict.ok("delete", "pod", name)


def test_it_is_listed_in_every_form(strict: Labctl, busybox: str) -> None:
    report = strict("image", "list", "-o", "json").json
    assert (report["apiVersion"], report["kind"]) == ("labctl.io/v1alpha1", "ImageList")
    [item] = [one for one in report["items"] if busybox in one["names"]]
    assert item["id"].startswith("sha256:")
    assert item["digest"].startswith("sha256:")
    assert item["size"] > 1_000_000
    assert (item["layers"], item["config"]["cmd"], item["config"]["user"]) == (1, ["sh"], "web")
    assert f"image/{busybox}" in strict.ok("image", "list", "-o", "name").splitlines()
    header, *rows = strict.ok("image", "list").splitlines()
    assert header.split() == ["IMAGE", "ID", "SIZE", "LOADED"]
    assert [busybox, item["id"][7:19]] in [row.split()[:2] for row in rows]
    assert item["digest"] in strict.ok("image", "list", "-o", "wide")
    assert "kind: ImageList" in strict.ok("image", "list", "-o", "yaml")


def test_a_pod_of_it_is_a_pod_like_any(strict: Labctl, pod: str) -> None:
    assert strict.ok("logs", pod) == "started\n"
    assert strict.ok("exec", pod, "--", "sh", "-c", "id -un; cat /srv/index.html") == (
        "web\nfrom the image\n"
    )
    assert strict("exec", pod, "--", "sh", "-c", "exit 5").code == 5
    assert strict.ok("kubectl", "exec", pod, "--", "cat", "/srv/index.html") == "from the image\n"
    assert strict.ok("kubectl", "logs", pod) == "started\n"
    [status] = strict("get", "pod", pod, "-o", "json").json["status"]["containerStatuses"]
    assert status["imageID"].startswith("docker.io/library/busybox@sha256:")
    [item] = strict("image", "list", "-o", "json").json["items"]
    assert item["containers"] == [f"default/{pod}/main"]


def test_what_is_used_is_not_removed(strict: Labctl, pod: str) -> None:
    result = strict("image", "rm", "busybox:test")
    assert result.code == 1
    assert result.err.startswith(f"error: image busybox:test is used by default/{pod}/main\n")


def test_the_network_of_its_pods_is_proved(strict: Labctl, pod: str) -> None:
    assert strict("verify", "-o", "json").json["passed"], pod


def test_names_come_and_go(strict: Labctl, tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    layout.image("", layer(entry("f")))
    result = strict("image", "load", str(layout.write()))
    assert (result.code, result.err) == (
        2, f"error: {tmp_path}: the image has no name in it\nhint: --name REF\n",
    )  # fmt: skip
    for name in ("a:1", "a:2"):
        assert strict.ok("image", "load", str(tmp_path), "--name", name, "-o", "name") == (
            f"image/docker.io/library/{name}\n"
        )
    assert strict.ok("image", "rm", "a:1") == "Untagged: docker.io/library/a:1\n"
    identity = next(
        one["id"]
        for one in strict("image", "list", "-o", "json").json["items"]
        if one["names"] == ["docker.io/library/a:2"]
    )
    assert strict.ok("image", "rm", identity[7:19]).splitlines() == [
        "Untagged: docker.io/library/a:2",
        f"Deleted: {identity}",
    ]
    result = strict("image", "rm", "a:2")
    assert (result.code, result.err.splitlines()[0]) == (1, "error: no such image: a:2")


def test_bad_input_is_one_line_and_leaves_nothing(strict: Labctl, tmp_path: Path) -> None:
    layout = Layout(tmp_path / "layout")
    layout.image("evil:1", layer(entry("../../evil")))
    before = strict.ok("image", "list")
    result = strict("image", "load", str(layout.write()))
    assert result.code == 2
    assert result.err.count("\n") == 1
    assert result.err.endswith("../../evil: leads out of the layer\n")
    for words in (["load", str(tmp_path / "no")], ["load", str(layout.root), "--name", "No"]):
        assert strict("image", *words).code == 2
    assert strict("image", "rm", "No Name").code == 2
    assert strict.ok("image", "list") == before


def test_a_lab_that_is_not_there_has_no_images(tmp_path: Path) -> None:
    nowhere = Labctl("nowhere")
    for words in (["list"], ["rm", "a"], ["load", str(tmp_path)]):
        result = nowhere("image", *words)
        assert (result.code, result.err.splitlines()[0]) == (
            3, "error: there is no lab 'nowhere'",
        )  # fmt: skip


def test_names_are_completed(strict: Labctl, busybox: str) -> None:
    assert busybox
    environment = {"_LABCTL_COMPLETE": "bash_complete", "COMP_WORDS": "labctl image rm busy"}
    result = strict(env={**environment, "COMP_CWORD": "3"})
    assert "plain,busybox:test" in result.out.splitlines()


def test_what_is_loaded_goes_with_the_lab(make_lab: MakeLab, tmp_path: Path) -> None:
    lab = make_lab("--nodes", "1")
    layout = Layout(tmp_path)
    layout.image("a:1", busybox_layer(), layer(entry("bin/.wh.sh")))
    lab.ok("image", "load", str(layout.write()))
    assert names.image_dir(lab.lab).is_dir()
    lab.ok("down")
    assert not os.path.exists(names.state_dir(lab.lab))
