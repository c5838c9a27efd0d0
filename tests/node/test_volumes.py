"""Volumes: what is in them as values, how they lie on the disk, and what containers see of them."""

import contextlib
import time
from base64 import b64encode
from pathlib import Path

import pytest

from labctl.api.kinds.core import CONFIGMAPS, PODS, SECRETS
from labctl.api.objects import Obj
from labctl.node.pods.downward import Surroundings
from labctl.node.pods.environment import environment
from labctl.node.pods.sources import MissingSource, Sources, Token, references
from labctl.node.volumes.directory import fill
from labctl.node.volumes.files import File, files_of
from labctl.runtime.spawn.root import resolved
from tests.node.conftest import Stage
from tests.node.pods import pod
from tests.node.scene import Scene
from tests.node.test_agent import program

AROUND = Surroundings("10.244.1.2", "172.30.1.1", {"cpu": "4", "memory": "1Gi"})
SETTINGS: Obj = {"data": {"a": "1", "b": "2"}, "binaryData": {"c": b64encode(b"\xff").decode()}}
KEYS: Obj = {"data": {"password": b64encode(b"hush").decode()}}
SOURCES = Sources(
    {("configmap", "settings"): SETTINGS, ("secret", "keys"): KEYS}, {Token("", 3600): "t0k3n"}
)


def names_of(volume: Obj) -> dict[str, tuple[bytes, int]]:
    obj = pod()
    obj["metadata"]["labels"] = {"b": 'say "x"', "a": "1"}
    return {f.path: (f.data, f.mode) for f in files_of(volume, obj, AROUND, SOURCES)}


@pytest.mark.parametrize(
    ("volume", "files"),
    [
        (
            {"configMap": {"name": "settings"}},
            {"a": (b"1", 0o644), "b": (b"2", 0o644), "c": (b"\xff", 0o644)},
        ),
        (
            {
                "configMap": {
                    "name": "settings",
                    "defaultMode": 0o400,
                    "items": [
                        {"key": "a", "path": "x/y"},
                        {"key": "b", "path": "z", "mode": 0o755},
                    ],
                }
            },
            {"x/y": (b"1", 0o400), "z": (b"2", 0o755)},
        ),
        ({"secret": {"secretName": "keys"}}, {"password": (b"hush", 0o644)}),
        ({"secret": {"secretName": "none", "optional": True}}, {}),
        (
            {
                "downwardAPI": {
                    "items": [{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]
                }
            },
            {"labels": (b'a="1"\nb="say \\"x\\""', 0o644)},
        ),
        (
            {
                "projected": {
                    "defaultMode": 0o440,
                    "sources": [
                        {"configMap": {"name": "settings", "items": [{"key": "a", "path": "a"}]}},
                        {"secret": {"name": "keys"}},
                        {"serviceAccountToken": {"path": "token"}},
                    ],
                }
            },
            {"a": (b"1", 0o440), "password": (b"hush", 0o440), "token": (b"t0k3n", 0o440)},
        ),
    ],
)
def test_what_is_in_a_volume(volume: Obj, files: dict[str, tuple[bytes, int]]) -> None:
    assert names_of(volume) == files


@pytest.mark.parametrize(
    ("volume", "said"),
    [
        ({"configMap": {"name": "none"}}, 'configmap "none" not found'),
        ({"secret": {"secretName": "none"}}, 'secret "none" not found'),
        (
            {"configMap": {"name": "settings", "items": [{"key": "z", "path": "z"}]}},
            "references non-existent configmap key: z",
        ),
    ],
)
def test_what_is_missing_is_named(volume: Obj, said: str) -> None:
    with pytest.raises(MissingSource, match=said):
        names_of(volume)


@pytest.mark.parametrize(
    ("whole", "own", "mode", "owner"),
    [
        ({}, {}, 0o644, None),
        ({"runAsUser": 1000}, {}, 0o600, 1000),
        ({"runAsUser": 1000}, {"runAsUser": 2000}, 0o644, None),  # of two users none
        ({"fsGroup": 3000}, {}, 0o600, None),
    ],
)
def test_a_token_is_for_the_one_user_of_its_pod(
    whole: Obj, own: Obj, mode: int, owner: int | None
) -> None:
    obj = pod("one", "two", securityContext=whole)
    obj["spec"]["containers"][0]["securityContext"] = own
    volume = {"projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}}
    (token,) = files_of(volume, obj, AROUND, SOURCES)
    assert (token.mode, token.owner) == (mode, owner)


def entry(source: Obj) -> Obj:
    return {"env": [{"name": "V", "valueFrom": source}]}


LIMITED = {"resources": {"limits": {"memory": "64Mi"}, "requests": {"cpu": "250m"}}}


@pytest.mark.parametrize(
    ("container", "values"),
    [
        (
            {"envFrom": [{"configMapRef": {"name": "settings"}}]},
            {"a": "1", "b": "2", "c": "\udcff"},
        ),
        ({"envFrom": [{"prefix": "P_", "secretRef": {"name": "keys"}}]}, {"P_password": "hush"}),
        ({"envFrom": [{"secretRef": {"name": "none", "optional": True}}]}, {}),
        (entry({"configMapKeyRef": {"name": "settings", "key": "a"}}), {"V": "1"}),
        (entry({"secretKeyRef": {"name": "keys", "key": "password"}}), {"V": "hush"}),
        (entry({"secretKeyRef": {"name": "keys", "key": "none", "optional": True}}), {}),
        (entry({"resourceFieldRef": {"resource": "limits.cpu"}}) | LIMITED, {"V": "4"}),
        (entry({"resourceFieldRef": {"resource": "requests.cpu"}}) | LIMITED, {"V": "1"}),
        (
            entry({"resourceFieldRef": {"resource": "limits.memory", "divisor": "1Mi"}}) | LIMITED,
            {"V": "64"},
        ),
        (
            {
                "envFrom": [{"configMapRef": {"name": "settings"}}],
                "env": [{"name": "a", "value": "$(b)$(a)"}],
            },
            {"a": "21", "b": "2", "c": "\udcff"},
        ),
    ],
)
def test_an_environment_from_configmaps_secrets_and_resources(
    container: Obj, values: dict[str, str]
) -> None:
    assert environment(pod(), container, AROUND, SOURCES) == values


@pytest.mark.parametrize(
    ("container", "said"),
    [
        ({"envFrom": [{"configMapRef": {"name": "none"}}]}, 'configmap "none" not found'),
        (entry({"secretKeyRef": {"name": "none", "key": "k"}}), 'secret "none" not found'),
        (
            entry({"configMapKeyRef": {"name": "settings", "key": "k"}}),
            "couldn't find key k in ConfigMap default/settings",
        ),
    ],
)
def test_an_environment_that_refers_to_nothing_is_refused(container: Obj, said: str) -> None:
    with pytest.raises(MissingSource, match=said):
        environment(pod(), container, AROUND, SOURCES)


def test_only_what_a_container_mounts_is_asked_for() -> None:
    volumes = [
        {"name": "a", "configMap": {"name": "settings"}},
        {"name": "b", "projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}},
        {"name": "c", "secret": {"secretName": "keys"}},
    ]
    mounts = [{"name": "a", "mountPath": "/a"}, {"name": "b", "mountPath": "/b"}]
    wanted = references(pod(volumes=volumes), {"volumeMounts": mounts})
    assert wanted == {("configmap", "settings"), Token("", 3600)}


def seen(volume: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(volume)): path.read_bytes()
        for path in volume.rglob("*")
        if path.is_file() and "/.." not in f"/{path.relative_to(volume)}"
    }


def test_a_volume_changes_all_at_once(tmp_path: Path) -> None:
    volume = tmp_path / "v"
    fill(volume, [File("a", b"1"), File("x", b"2", 0o600)])
    assert seen(volume) == {"a": b"1", "x": b"2"}
    assert (volume / "x").stat().st_mode & 0o777 == 0o600
    before = (volume / "..data").readlink()
    fill(volume, [File("a", b"1"), File("x", b"2", 0o600)])
    assert (volume / "..data").readlink() == before
    fill(volume, [File("a", b"3")])
    assert seen(volume) == {"a": b"3"}
    assert len([one for one in volume.iterdir() if one.is_dir() and not one.is_symlink()]) == 1


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/data", "data"),
        ("/a/b/../c", "a/c"),
        ("/../../x", "x"),
        ("/absolute/x", "etc/x"),
        ("/relative/x", "there/x"),
        ("/outside/x", "x"),
        ("/", "."),
    ],
)
def test_a_mount_never_leads_out_of_the_new_root(tmp_path: Path, path: str, found: str) -> None:
    (tmp_path / "absolute").symlink_to("/etc")
    (tmp_path / "relative").symlink_to("there")
    (tmp_path / "outside").symlink_to("../../..")
    with contextlib.chdir(tmp_path):
        assert resolved(path) == found


def test_links_in_a_circle_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with contextlib.chdir(tmp_path), pytest.raises(OSError, match="symbolic links"):
        resolved("/a/x")


async def make(scene: Scene, kind: str, at: str, data: dict[str, str]) -> None:
    resource = CONFIGMAPS if kind == "ConfigMap" else SECRETS
    member = "data" if kind == "ConfigMap" else "stringData"
    obj: Obj = {
        "apiVersion": "v1",
        "kind": kind,
        "metadata": {"name": at, "namespace": "default"},
        member: data,
    }
    await scene.admin.create(resource, obj)


async def says(scene: Scene, at: str, container: int, script: str) -> str:
    obj = await scene.admin.get(PODS, at, "default")
    identity = obj["status"]["containerStatuses"][container]["containerID"].rpartition("/")[2]
    done = await scene.runtime.exec_sync(identity, ("sh", "-c", script), 5)
    return done.stdout.decode() + done.stderr.decode()


def mount(name: str, path: str, **more: object) -> Obj:
    return {"name": name, "mountPath": path, **more}


def test_containers_of_a_pod_share_what_they_mount(stage: Stage, tmp_path: Path) -> None:
    async def play(scene: Scene) -> None:
        await make(scene, "ConfigMap", "settings", {"color": "blue", "run.sh": "exec sleep 60"})
        await make(scene, "Secret", "keys", {"password": "hush"})
        (tmp_path / "given").write_text("from the host")
        writer = {
            **program("writer", "echo hello >/shared/word; exec sleep 60"),
            "volumeMounts": [
                mount("shared", "/shared"),
                mount("settings", "/settings"),
                mount("keys", "/keys/password", subPath="password", readOnly=True),
                mount("host", "/host", readOnly=True),
            ],
            "env": [
                {
                    "name": "COLOR",
                    "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "color"}},
                }
            ],
        }
        reader = {
            "name": "reader",
            "image": "busybox",
            "command": ["/settings/run.sh"],
            "volumeMounts": [mount("shared", "/deep/down"), mount("settings", "/settings")],
        }
        volumes = [
            {"name": "shared", "emptyDir": {}},
            {"name": "settings", "configMap": {"name": "settings", "defaultMode": 0o755}},
            {"name": "keys", "secret": {"secretName": "keys"}},
            {"name": "host", "hostPath": {"path": str(tmp_path), "type": "Directory"}},
        ]
        await make(scene, "ConfigMap", "script", {})
        await scene.admin.patch(
            CONFIGMAPS, "settings", {"data": {"run.sh": "#!/bin/sh\nexec sleep 60\n"}}, "default"
        )
        await scene.create("web", writer, reader, volumes=volumes)
        await scene.ready("web")
        assert await says(scene, "web", 1, "cat /deep/down/word") == "hello\n"
        assert await says(scene, "web", 0, "echo $COLOR; cat /settings/color") == "blue\nblue"
        assert await says(scene, "web", 0, "cat /keys/password /host/given") == "hushfrom the host"
        assert "Read-only" in await says(scene, "web", 0, "echo x >/keys/password")
        assert "Read-only" in await says(scene, "web", 0, "echo x >/host/new")

    stage(play)


def waiting(obj: Obj) -> str:
    (told,) = obj["status"].get("containerStatuses") or [{}]
    return str(((told.get("state") or {}).get("waiting") or {}).get("reason", ""))


@pytest.mark.alone
def test_a_pod_waits_for_what_it_refers_to(stage: Stage) -> None:
    async def play(scene: Scene) -> None:
        container = {
            **program("c", "exec sleep 60"),
            "envFrom": [{"configMapRef": {"name": "late"}}],
        }
        await scene.create("env", container)
        obj = await scene.until(
            PODS, "env", lambda obj: waiting(obj) == "CreateContainerConfigError"
        )
        (told,) = obj["status"]["containerStatuses"]
        assert told["state"]["waiting"]["message"] == 'configmap "late" not found'
        container = {**program("c", "exec sleep 60"), "volumeMounts": [mount("v", "/v")]}
        volume = {"name": "v", "configMap": {"name": "late"}}
        await scene.create("volume", container, volumes=[volume])
        await scene.until(PODS, "volume", lambda obj: waiting(obj) == "ContainerCreating")
        created = time.monotonic()
        await make(scene, "ConfigMap", "late", {"a": "1"})
        await scene.ready("volume")
        assert time.monotonic() - created < 1, "a volume's objects are watched"
        await scene.ready("env")
        assert "FailedMount" in await scene.reasons("volume")

    stage(play)
