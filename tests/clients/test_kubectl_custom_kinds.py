"""Custom kinds in the hands of every kubectl: defined, waited for, made, changed, printed, deleted."""

import json
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from labctl.api.objects import Obj
from tests.api.custom_samples import crontab, definition, version
from tests.apiserver.custom import SUBRESOURCES
from tests.apiserver.https import listening
from tests.apiserver.kubectls import Kubectl, kubectls
from tests.apiserver.serving import run

KUBECTLS = kubectls()
every = pytest.mark.parametrize("minor", KUBECTLS)
PATCHES_SUBRESOURCES = 24
NAME = "crontabs.stable.example.com"
COLUMNS = [
    {"name": "Spec", "type": "string", "jsonPath": ".spec.cronSpec", "description": "When"},
    {"name": "Replicas", "type": "integer", "jsonPath": ".spec.replicas"},
    {"name": "Image", "type": "string", "jsonPath": ".spec.image", "priority": 1},
    {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
]

Story = Callable[[Kubectl], Awaitable[None]]


def crons() -> Obj:
    one = version(subresources=SUBRESOURCES, additionalPrinterColumns=COLUMNS)
    crd = definition(one)
    crd["spec"]["names"] |= {"shortNames": ["ct"], "categories": ["all"]}
    return crd


def play(minor: int, directory: Path, story: Story) -> None:
    async def main() -> None:
        async with listening(directory) as site:
            await story(Kubectl.of(KUBECTLS[minor], site, directory))

    run(main(), 100)


async def apply(kubectl: Kubectl, obj: Any) -> str:
    return await kubectl.ok("apply", "-f", "-", stdin=json.dumps(obj))


async def define(kubectl: Kubectl) -> None:
    await apply(kubectl, crons())
    said = await kubectl.ok("wait", "--for=condition=established", f"crd/{NAME}", "--timeout=10s")
    assert said == f"customresourcedefinition.apiextensions.k8s.io/{NAME} condition met\n"


def rows(text: str) -> list[str]:
    return [re.sub(" +", " ", line).strip() for line in text.splitlines()]


@every
def test_a_kind_lives_and_dies(minor: int, tmp_path: Path) -> None:
    async def story(kubectl: Kubectl) -> None:
        await define(kubectl)
        assert "ct" in await kubectl.ok("api-resources", "--api-group=stable.example.com")
        assert rows(await kubectl.ok("get", "crd"))[0] == "NAME CREATED AT"
        explained = await kubectl.ok("explain", "crontab.spec")
        assert "cronSpec" in explained
        assert "<string> -required-" in explained
        label = "crontab.stable.example.com/my-cron"
        assert await apply(kubectl, crontab()) == f"{label} created\n"
        assert await apply(kubectl, crontab()) == f"{label} unchanged\n"
        assert await apply(kubectl, crontab(replicas=3)) == f"{label} configured\n"
        for word in ("ct", "crontab", "crontabs", "CronTab", "ct.stable.example.com", "all"):
            header, row = rows(await kubectl.ok("get", word))
            assert header == "NAME SPEC REPLICAS AGE"
            assert re.fullmatch(
                r"(crontab.stable.example.com/)?my-cron \* \* \* \* \*/5 3 \d+s", row
            )
        assert "cron:1" in await kubectl.ok("get", "ct", "-o", "wide")
        assert await kubectl.ok("get", "ct", "-o", "name") == f"{label}\n"
        assert "Cron Spec: * * * * */5" in rows(await kubectl.ok("describe", "ct", "my-cron"))
        merge = ("patch", "ct", "my-cron", "--type=merge", "-p", '{"spec":{"replicas":4}}')
        assert await kubectl.ok(*merge) == f"{label} patched\n"
        assert await kubectl.ok("scale", "ct/my-cron", "--replicas=5") == f"{label} scaled\n"
        jsonpath = "jsonpath={.spec.replicas} {.metadata.generation}"
        assert await kubectl.ok("get", "ct", "my-cron", "-o", jsonpath) == "5 4"
        await kubectl.ok("label", "ct", "my-cron", "a=b")
        assert "my-cron" in await kubectl.ok("get", "ct", "-l", "a=b", "--show-labels")
        assert await kubectl.ok("delete", "ct", "my-cron") == (
            'crontab.stable.example.com "my-cron" deleted'
            + (" from default namespace" if minor > 33 else "")
            + "\n"
        )
        await apply(kubectl, crontab())
        await kubectl.ok("delete", "crd", NAME)
        code, said = await kubectl.run("get", "ct")
        assert code == 1  # in which words depends on what kubectl remembers of its discovery
        assert "doesn't have a resource type" in said or "could not find the requested" in said

    play(minor, tmp_path, story)


@every
def test_mistakes_are_told_as_kubernetes_tells_them(minor: int, tmp_path: Path) -> None:
    async def story(kubectl: Kubectl) -> None:
        await define(kubectl)
        bad = json.dumps(crontab(replicas=50, size="huge"))
        code, said = await kubectl.run("create", "-f", "-", stdin=bad)
        assert code == 1
        assert 'The CronTab "my-cron" is invalid:' in said
        assert "Invalid value: 50: spec.replicas in body should be less than or equal to 10" in said
        assert 'spec.size: Unsupported value: "huge": supported values: "small", "large"' in said
        code, said = await kubectl.run("create", "-f", "-", stdin=json.dumps(crontab(colour="red")))
        assert code == 1
        assert "unknown field" in said
        assert "colour" in said
        await apply(kubectl, crontab())
        words = ("patch", "ct", "my-cron", "-p", "{}")
        code, said = await kubectl.run(*words, "--type=strategic")
        assert code == 1
        assert "UnsupportedMediaType" in said or "is not supported" in said

    play(minor, tmp_path, story)


@pytest.mark.parametrize("minor", [one for one in KUBECTLS if one >= PATCHES_SUBRESOURCES])
def test_status_is_patched_and_waited_for(minor: int, tmp_path: Path) -> None:
    async def story(kubectl: Kubectl) -> None:
        await define(kubectl)
        await apply(kubectl, crontab())
        words = ("patch", "ct", "my-cron", "--subresource=status", "--type=merge")
        await kubectl.ok(*words, "-p", '{"status":{"replicas":2}}')
        wish = "--for=jsonpath={.status.replicas}=2"
        await kubectl.ok("wait", wish, "ct/my-cron", "--timeout=10s")

    play(minor, tmp_path, story)
