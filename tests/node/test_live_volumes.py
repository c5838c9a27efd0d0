"""Volumes that the API fills, while their pods run: what changes there, and what stays."""

import time
from typing import Any

import pytest

from labctl.api.kinds.core import CONFIGMAPS, PODS, SECRETS, SERVICEACCOUNTS
from labctl.api.objects import Obj
from labctl.node.pods.sources import Token
from labctl.node.volumes.live import filled_volumes
from labctl.node.volumes.tokens import Issued, Tokens
from labctl.node.volumes.watched import Key, WatchedObjects
from tests.node.conftest import Stage
from tests.node.pods import pod
from tests.node.scene import DEADLINE_SECONDS, Scene, turn
from tests.node.test_agent import program
from tests.node.test_volumes import make, mount, says

HOUR, DAY = 3600.0, 86400.0
SLEEPS = "exec sleep 600"


async def shows(scene: Scene, at: str, script: str, wanted: str) -> None:
    """Returns once the pod's first container prints that; no restart may be needed for it."""
    deadline, said = time.monotonic() + DEADLINE_SECONDS, ""
    while said != wanted:
        assert time.monotonic() < deadline, f"{said!r} and not {wanted!r}"
        await turn()
        said = await says(scene, at, 0, script)
    obj = await scene.admin.get(PODS, at, "default")
    assert obj["status"]["containerStatuses"][0]["restartCount"] == 0


def configmap(at: str) -> Key:
    return ("configmap", "default", at)


async def change(scene: Scene, at: str, data: dict[str, Any]) -> None:
    await scene.admin.patch(CONFIGMAPS, at, {"data": data}, "default")


def test_files_follow_their_configmap_and_a_sub_path_stays(stage: Stage) -> None:
    async def play(scene: Scene) -> None:
        await make(scene, "ConfigMap", "settings", {"color": "blue", "size": "1"})
        items = [{"key": "color", "path": "deep/color", "mode": 0o400}]
        volumes = [
            {"name": "all", "configMap": {"name": "settings", "defaultMode": 0o640}},
            {"name": "one", "configMap": {"name": "settings", "items": items}},
        ]
        mounts = [mount("all", "/all"), mount("one", "/one")]
        mounts.append(mount("all", "/etc/color", subPath="color"))
        await scene.create("web", {**program("c", SLEEPS), "volumeMounts": mounts}, volumes=volumes)
        await scene.ready("web")
        await change(scene, "settings", {"color": "red", "size": None, "new": "x"})
        script = "cd /all; head *; stat -Lc %a *; cat /one/deep/color; stat -c %a /one/..data/*/*"
        wanted = "==> color <==\nred\n==> new <==\nx640\n640\nred400\n"
        await shows(scene, "web", script, wanted)
        assert await says(scene, "web", 0, "cat /etc/color") == "blue"
        assert "Read-only" in await says(scene, "web", 0, "echo x >/all/color")

        # The next agent goes on from there.
        await scene.end_agent()
        await change(scene, "settings", {"color": "green"})
        scene.start_agent()
        await shows(scene, "web", "cat /all/color /one/deep/color", "greengreen")

        # What is gone leaves the files, and is told.
        await scene.admin.delete(CONFIGMAPS, "settings", "default")
        while "FailedMount" not in await scene.reasons("web"):
            await turn()
        await shows(scene, "web", "cat /all/color", "green")

    stage(play)


def test_what_is_projected_follows_all_its_sources(stage: Stage) -> None:
    async def play(scene: Scene) -> None:
        await make(scene, "Secret", "keys", {"password": "hush"})
        labels = {"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}
        sources = [
            {"secret": {"name": "keys"}},
            {"configMap": {"name": "late", "optional": True}},
            {"downwardAPI": {"items": [labels]}},
        ]
        volume = {"name": "v", "projected": {"sources": sources}}
        own = {**program("c", SLEEPS), "volumeMounts": [mount("v", "/v")]}
        group = {"fsGroup": 2000}
        await scene.create("web", own, volumes=[volume], securityContext=group)
        await scene.ready("web")
        script = "cd /v; cat *; stat -Lc ' %g %a' *"
        owned = " 2000 644\n"
        await shows(scene, "web", script, "hush" + 2 * owned)
        await scene.admin.patch(PODS, "web", {"metadata": {"labels": {"a": "1"}}}, "default")
        await shows(scene, "web", script, 'a="1"hush' + 2 * owned)
        await make(scene, "ConfigMap", "late", {"word": "here "})
        await shows(scene, "web", script, 'a="1"hushhere ' + 3 * owned)
        await scene.admin.patch(SECRETS, "keys", {"stringData": {"password": "psst"}}, "default")
        await shows(scene, "web", script, 'a="1"pssthere ' + 3 * owned)
        await scene.admin.delete(CONFIGMAPS, "late", "default")
        await shows(scene, "web", script, 'a="1"psst' + 2 * owned)

    stage(play)


def test_an_object_is_watched_while_somebody_holds_it_and_it_can_change(stage: Stage) -> None:
    async def play(scene: Scene) -> None:
        for at in ("plain", "fixed"):
            await make(scene, "ConfigMap", at, {"a": "1"})
        await scene.admin.patch(CONFIGMAPS, "fixed", {"immutable": True}, "default")
        changed: list[str] = []
        watched = WatchedObjects(scene.admin, changed.append)
        plain, fixed = configmap("plain"), configmap("fixed")
        watched.hold("one", (plain, fixed))
        watched.hold("two", (plain,))
        assert not watched.known("one")
        while not (watched.known("one") and watched.known("two")):
            await turn()
        changed.clear()
        # An immutable object can only be replaced by another, of which its holders learn nothing.
        await scene.admin.delete(CONFIGMAPS, "fixed", "default")
        await change(scene, "plain", {"a": "2"})
        while sorted(changed) != ["one", "two"]:
            await turn()
        assert (watched.get(plain) or {})["data"] == {"a": "2"}
        assert (watched.get(fixed) or {})["data"] == {"a": "1"}
        watched.hold("one", ())
        assert watched.get(fixed) is None
        assert watched.get(plain) is not None
        watched.hold("two", ())
        assert watched.get(plain) is None
        await watched.close()

    stage(play)


@pytest.mark.parametrize(
    ("lifetime", "due"), [(600.0, 480.0), (HOUR, 0.8 * HOUR), (30 * HOUR, DAY), (9 * DAY, DAY)]
)
def test_a_token_is_renewed_after_four_fifths_of_its_life_or_a_day(
    lifetime: float, due: float
) -> None:
    assert Issued("t", 1000.0, 1000.0 + lifetime).due == 1000.0 + due


def test_a_token_is_asked_for_once_and_anew_when_it_is_due(stage: Stage) -> None:
    async def play(scene: Scene) -> None:
        account = {"apiVersion": "v1", "kind": "ServiceAccount"}
        own = {"metadata": {"name": "default", "namespace": "default"}}
        await scene.admin.create(SERVICEACCOUNTS, {**account, **own})
        source = {"serviceAccountToken": {"path": "token", "expirationSeconds": 600}}
        volume = {"name": "v", "projected": {"sources": [source]}}
        container = {**program("c", SLEEPS), "volumeMounts": [mount("v", "/v")]}
        user = {"runAsUser": 1000, "fsGroup": 2000}
        await scene.create("web", container, volumes=[volume], securityContext=user)
        obj = await scene.ready("web")
        await shows(scene, "web", "id -u; stat -Lc '%u %g %a' /v/token", "1000\n1000 2000 640\n")
        tokens, wanted, now = Tokens(scene.admin), Token("", 600), time.time()
        first = await tokens.valid(obj, wanted)
        assert await tokens.valid(obj, wanted, now + 470) == first
        second = await tokens.valid(obj, wanted, now + 481)
        assert second != first
        (due,) = {tokens.due(obj["metadata"]["uid"])}
        assert due == pytest.approx(now + 480, abs=3)
        # One that cannot be renewed is used as long as it holds.
        await scene.admin.delete(SERVICEACCOUNTS, "default", "default")
        assert await tokens.valid(obj, wanted, now + 481) == second
        with pytest.raises(Exception, match="not found"):
            await tokens.valid(obj, wanted, now + 605)
        tokens.forget(obj["metadata"]["uid"])
        assert tokens.due(obj["metadata"]["uid"]) is None

    stage(play)


def test_only_volumes_that_the_api_fills_and_a_container_mounts_are_kept() -> None:
    volumes: list[Obj] = [
        {"name": "a", "configMap": {"name": "settings"}},
        {"name": "b", "secret": {"secretName": "keys"}},
        {"name": "c", "emptyDir": {}},
    ]
    obj = pod(volumes=volumes)
    assert filled_volumes(obj) == []
    obj["spec"]["containers"][0]["volumeMounts"] = [mount("a", "/a"), mount("c", "/c")]
    assert filled_volumes(obj) == [volumes[0]]
    assert filled_volumes({**obj, "status": {"phase": "Failed"}}) == []
    assert filled_volumes(None) == []
