"""What people change with kubectl: applied on either side, compared, edited, patched, replaced."""

import json
import subprocess
from collections.abc import Awaitable, Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from labctl.api.objects import Obj
from labctl.apiserver.registry import ownership
from tests.apiserver.https import listening
from tests.apiserver.kubectls import Kubectl, kubectls
from tests.apiserver.serving import config_map, deployment, run

KUBECTLS = kubectls()
OLDEST, HIDES_MANAGED_FIELDS, PATCHES_SUBRESOURCES, MIGRATES = 20, 21, 24, 26
every = pytest.mark.parametrize("minor", KUBECTLS)

Story = Callable[[Kubectl], Awaitable[None]]
_STDIN = ("-f", "-")


def play(minor: int, directory: Path, story: Story) -> None:
    async def main() -> None:
        async with listening(directory) as site:
            await story(Kubectl.of(KUBECTLS[minor], site, directory))

    run(main(), 110)


async def get(kubectl: Kubectl, what: str) -> Obj:
    words = ("get", what, "-o", "json", *_unhidden(kubectl.program))
    obj: Obj = json.loads(await kubectl.ok(*words))
    return obj


@cache
def _unhidden(program: Path) -> tuple[str, ...]:
    """What a kubectl must be told so that it shows managed fields."""
    flag = "--show-managed-fields"
    offered = subprocess.run((program, "get", "--help"), capture_output=True, text=True, check=True)
    return (flag,) if flag in offered.stdout else ()


def text(obj: Obj) -> str:
    return json.dumps(obj)


def web(replicas: int | None = 1, image: str = "nginx:1", **more: Any) -> Obj:
    made = deployment("web", replicas or 0)
    made["spec"]["template"]["spec"]["containers"][0] |= {"image": image, **more}
    if replicas is None:
        del made["spec"]["replicas"]
    return made


def managers(obj: Obj) -> set[tuple[str, str]]:
    return {(one["manager"], one["operation"]) for one in ownership.entries_of(obj)}


@every
def test_apply_creates_changes_and_leaves(minor: int, tmp_path: Path) -> None:
    async def story(kubectl: Kubectl) -> None:
        apply = ("apply", *_STDIN)
        assert "web created" in await kubectl.ok(*apply, stdin=text(web()))
        assert "web unchanged" in await kubectl.ok(*apply, stdin=text(web()))
        assert "web configured" in await kubectl.ok(*apply, stdin=text(web(2, "nginx:2")))
        made = await get(kubectl, "deploy/web")
        assert made["spec"]["replicas"] == 2
        assert managers(made) == {("kubectl-client-side-apply", "Update")}
        said = await kubectl.ok("apply", "view-last-applied", "deploy/web")
        assert "image: nginx:2" in said
        # What kubectl does not say it leaves to others; what it said once it takes away.
        await kubectl.ok("scale", "deploy/web", "--replicas=5")
        await kubectl.ok(*apply, stdin=text(web(None, "nginx:2")))
        assert (await get(kubectl, "deploy/web"))["spec"]["replicas"] == 1

    play(minor, tmp_path, story)


@every
def test_apply_prunes_what_is_no_longer_there(minor: int, tmp_path: Path) -> None:
    async def story(kubectl: Kubectl) -> None:
        both = [labelled(config_map(name, a="1")) for name in ("one", "two")]
        prune = ["apply", "--prune", "-l", "app=shop", *_STDIN]
        if minor == OLDEST:  # by itself it asks for kinds that Kubernetes has no longer
            prune.append("--prune-whitelist=core/v1/ConfigMap")
        await kubectl.ok(*prune, stdin=text({"apiVersion": "v1", "kind": "List", "items": both}))
        said = await kubectl.ok(*prune, stdin=text(both[0]))
        assert "configmap/one unchanged" in said
        assert "configmap/two pruned" in said
        assert (await kubectl.run("get", "cm", "two"))[0] == 1

    play(minor, tmp_path, story)


def labelled(obj: Obj) -> Obj:
    return {**obj, "metadata": {**obj["metadata"], "labels": {"app": "shop"}}}


@every
def test_apply_on_the_server_tells_conflicts(minor: int, tmp_path: Path) -> None:
    async def story(kubectl: Kubectl) -> None:
        apply = ("apply", "--server-side", *_STDIN)
        assert "web serverside-applied" in await kubectl.ok(*apply, stdin=text(web(2)))
        assert "web serverside-applied" in await kubectl.ok(*apply, stdin=text(web(2)))
        await kubectl.ok("scale", "deploy/web", "--replicas=5")
        code, said = await kubectl.run(*apply, stdin=text(web(3)))
        assert code == 1
        assert 'conflict with "kubectl' in said
        assert ".spec.replicas" in said
        assert "--force-conflicts" in said
        assert (await get(kubectl, "deploy/web"))["spec"]["replicas"] == 5
        await kubectl.ok(*apply, "--force-conflicts", stdin=text(web(3)))
        made = await get(kubectl, "deploy/web")
        assert made["spec"]["replicas"] == 3
        assert managers(made) == {("kubectl", "Apply")}
        other = await kubectl.ok(
            *apply, "--field-manager=other", stdin=text(web(3, env=[{"name": "A", "value": "1"}]))
        )
        assert "web serverside-applied" in other
        code, said = await kubectl.run(*apply, "--field-manager=third", stdin=text(web(4)))
        assert code == 1
        assert 'conflicts with "kubectl"' in said
        assert 'conflicts with "other"' in said

    play(minor, tmp_path, story)


@every
def test_apply_moves_from_the_client_to_the_server(minor: int, tmp_path: Path) -> None:
    async def story(kubectl: Kubectl) -> None:
        await kubectl.ok("apply", *_STDIN, stdin=text(web(2, "nginx:1")))
        moved = web(3, "nginx:2")
        assert "serverside-applied" in await kubectl.ok(
            "apply", "--server-side", *_STDIN, stdin=text(moved)
        )
        made = await get(kubectl, "deploy/web")
        assert made["spec"]["replicas"] == 3
        assert ("kubectl", "Apply") in managers(made)
        if minor >= MIGRATES:
            assert ("kubectl-client-side-apply", "Update") not in managers(made)
        said = await kubectl.ok("apply", "view-last-applied", "deploy/web")
        assert "image: nginx:2" in said
        assert "unchanged" in await kubectl.ok("apply", *_STDIN, stdin=text(moved))

    play(minor, tmp_path, story)


@every
def test_managed_fields_are_hidden_unless_they_are_asked_for(minor: int, tmp_path: Path) -> None:
    async def story(kubectl: Kubectl) -> None:
        await kubectl.ok("create", *_STDIN, stdin=text(config_map("settings", a="1")))
        said = await kubectl.ok("get", "cm", "settings", "-o", "yaml")
        assert ("managedFields:" in said) == (minor < HIDES_MANAGED_FIELDS)
        made = await get(kubectl, "cm/settings")
        assert managers(made) == {("kubectl-create", "Update")}

    play(minor, tmp_path, story)


@every
def test_diff_says_by_its_exit_code_whether_there_is_any(minor: int, tmp_path: Path) -> None:
    async def story(kubectl: Kubectl) -> None:
        await kubectl.ok("apply", *_STDIN, stdin=text(web(2)))
        assert await kubectl.run("diff", *_STDIN, stdin=text(web(2))) == (0, "")
        code, said = await kubectl.run("diff", *_STDIN, stdin=text(web(4)))
        assert (code, "+  replicas: 4" in said) == (1, True)
        code, said = await kubectl.run("diff", "--server-side", *_STDIN, stdin=text(web(4)))
        assert (code, "replicas: 4" in said) == (1, True)
        assert (await get(kubectl, "deploy/web"))["spec"]["replicas"] == 2

    play(minor, tmp_path, story)


@every
def test_objects_are_edited(minor: int, tmp_path: Path) -> None:
    editor = tmp_path / "editor"
    editor.write_text("#!/bin/sh\nexec sed -i 's/replicas: 1/replicas: 6/' \"$1\"\n")
    editor.chmod(0o755)

    async def story(kubectl: Kubectl) -> None:
        await kubectl.ok("apply", *_STDIN, stdin=text(web()))
        edit = ("edit", "deploy/web")
        said = await kubectl.ok(*edit, KUBE_EDITOR=str(editor))
        assert "web edited" in said
        made = await get(kubectl, "deploy/web")
        assert made["spec"]["replicas"] == 6
        assert ("kubectl-edit", "Update") in managers(made)
        said = await kubectl.ok(*edit, KUBE_EDITOR=str(editor))
        assert "no changes made" in said
        await kubectl.ok("apply", "edit-last-applied", "deploy/web", KUBE_EDITOR=str(editor))
        assert "replicas: 6" in await kubectl.ok("apply", "view-last-applied", "deploy/web")

    play(minor, tmp_path, story)


@every
def test_objects_are_patched(minor: int, tmp_path: Path) -> None:
    async def story(kubectl: Kubectl) -> None:
        await kubectl.ok("apply", *_STDIN, stdin=text(web()))

        async def patch(body: Any, *words: str) -> str:
            return await kubectl.ok("patch", "deploy/web", *words, "-p", json.dumps(body))

        strategic = {"spec": {"template": {"spec": {"containers": [{"name": "b", "image": "b"}]}}}}
        assert "web patched" in await patch(strategic)
        assert "web patched (no change)" in await patch(strategic)
        assert "web patched" in await patch({"spec": {"paused": True}}, "--type=merge")
        operations = [
            {"op": "test", "path": "/spec/paused", "value": True},
            {"op": "remove", "path": "/spec/paused"},
        ]
        assert "web patched" in await patch(operations, "--type=json")
        code, said = await kubectl.run(
            "patch", "deploy/web", "--type=json", "-p", json.dumps(operations)
        )
        assert (code, "The request is invalid" in said) == (1, True)
        made = await get(kubectl, "deploy/web")
        assert len(made["spec"]["template"]["spec"]["containers"]) == 2
        assert "paused" not in made["spec"]
        if minor >= PATCHES_SUBRESOURCES:
            scale, status = {"spec": {"replicas": 4}}, {"status": {"replicas": 4}}
            await patch(scale, "--subresource=scale", "--type=merge")
            await patch(status, "--subresource=status", "--type=merge")
            made = await get(kubectl, "deploy/web")
            assert (made["spec"]["replicas"], made["status"]["replicas"]) == (4, 4)
        code, said = await kubectl.run(
            "patch", "deploy/web", "-p", '{"spec":{"selector":{"matchLabels":{"x":"y"}}}}'
        )
        assert (code, "is invalid" in said) == (1, True)

    play(minor, tmp_path, story)


@every
def test_objects_are_replaced_and_set(minor: int, tmp_path: Path) -> None:
    async def story(kubectl: Kubectl) -> None:
        await kubectl.ok("create", *_STDIN, stdin=text(web()))
        first = await get(kubectl, "deploy/web")
        assert "web replaced" in await kubectl.ok("replace", *_STDIN, stdin=text(web(3)))
        said = await kubectl.ok("replace", "--force", *_STDIN, stdin=text(web(2)))
        assert "web replaced" in said
        made = await get(kubectl, "deploy/web")
        assert made["metadata"]["uid"] != first["metadata"]["uid"]
        for words in (
            ("set", "image", "deploy/web", "main=nginx:9"),
            ("set", "env", "deploy/web", "MODE=test"),
            ("set", "resources", "deploy/web", "--limits=cpu=200m,memory=64Mi"),
            ("label", "deploy/web", "tier=front"),
            ("annotate", "deploy/web", "example.org/note=x"),
            ("scale", "deploy/web", "--current-replicas=2", "--replicas=4"),
        ):
            await kubectl.ok(*words)
        made = await get(kubectl, "deploy/web")
        (container,) = made["spec"]["template"]["spec"]["containers"]
        assert container["image"] == "nginx:9"
        assert container["env"] == [{"name": "MODE", "value": "test"}]
        assert container["resources"] == {"limits": {"cpu": "200m", "memory": "64Mi"}}
        assert made["metadata"]["labels"] == {"tier": "front"}
        assert made["spec"]["replicas"] == 4
        await kubectl.ok("label", "deploy/web", "tier-")
        await kubectl.ok("annotate", "deploy/web", "example.org/note-")
        made = await get(kubectl, "deploy/web")
        assert "tier" not in (made["metadata"].get("labels") or {})
        assert (await kubectl.run("label", "deploy/web", "tier=not valid!"))[0] == 1

    play(minor, tmp_path, story)


@every
def test_nodes_are_tainted_and_cordoned(minor: int, tmp_path: Path) -> None:
    async def story(kubectl: Kubectl) -> None:
        await kubectl.ok(
            "create", *_STDIN, stdin='{"apiVersion":"v1","kind":"Node","metadata":{"name":"n1"}}'
        )
        await kubectl.ok("taint", "node", "n1", "a=b:NoSchedule")
        await kubectl.ok("cordon", "n1")
        spec = (await get(kubectl, "node/n1"))["spec"]
        assert {"effect": "NoSchedule", "key": "a", "value": "b"} in spec["taints"]
        assert spec["unschedulable"] is True
        await kubectl.ok("taint", "node", "n1", "a-")
        await kubectl.ok("uncordon", "n1")
        spec = (await get(kubectl, "node/n1"))["spec"]
        assert [one for one in spec.get("taints", ()) if one["key"] == "a"] == []
        assert "unschedulable" not in spec

    play(minor, tmp_path, story)
