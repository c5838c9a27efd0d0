"""What every kubectl does with a server's OpenAPI, and what the newer ones send as protobuf."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from labctl.api.objects import Obj
from tests.apiserver.https import listening
from tests.apiserver.kubectls import Kubectl, kubectls
from tests.apiserver.serving import deployment, run

OLDEST, PLAIN_ENUMS, SENDS_PROTOBUF, SCALES_BY_V2 = 20, 29, 32, 33
KUBECTLS = kubectls()
every = pytest.mark.parametrize("minor", KUBECTLS)
with_protobuf = pytest.mark.parametrize("minor", [one for one in KUBECTLS if one >= SENDS_PROTOBUF])


@asynccontextmanager
async def at_work(minor: int, directory: Path) -> AsyncIterator[Kubectl]:
    async with listening(directory) as site:
        yield Kubectl.of(KUBECTLS[minor], site, directory)


Story = Callable[[Kubectl], Awaitable[None]]


def play(minor: int, directory: Path, story: Story) -> None:
    async def main() -> None:
        async with at_work(minor, directory) as kubectl:
            await story(kubectl)

    run(main())


def changed(manifest: Obj, **container: str) -> str:
    copy: Obj = json.loads(json.dumps(manifest))
    copy["spec"]["template"]["spec"]["containers"][0] |= container
    return json.dumps(copy)


WEB = deployment("web")


@every
def test_kinds_are_explained(minor: int, tmp_path: Path) -> None:
    async def story(kubectl: Kubectl) -> None:
        said = await kubectl.ok("explain", "pod.spec.containers")
        assert "List of containers belonging to the pod." in said
        assert "-required-" in said
        policy = await kubectl.ok("explain", "pod.spec.containers.imagePullPolicy")
        assert "Possible enum values:" in policy
        assert ("ENUM:" in policy) == (minor > PLAIN_ENUMS)
        tree = await kubectl.ok("explain", "deploy", "--recursive")
        assert "topologySpreadConstraints" in tree
        other = await kubectl.ok("explain", "hpa.spec.metrics", "--api-version", "autoscaling/v2")
        assert "metrics" in other
        code, said = await kubectl.run("explain", "pod.spec.nope")
        assert (code, 'field "nope" does not exist' in said) == (1, True)

    play(minor, tmp_path, story)


@every
def test_manifests_are_created_changed_and_compared(minor: int, tmp_path: Path) -> None:
    async def story(kubectl: Kubectl) -> None:
        apply = ("apply", "-f", "-")
        assert "created (server dry run)" in await kubectl.ok(
            "create", "--dry-run=server", "-f", "-", stdin=json.dumps(WEB)
        )
        assert "web created" in await kubectl.ok(*apply, stdin=json.dumps(WEB))
        assert "unchanged" in await kubectl.ok(*apply, stdin=json.dumps(WEB))
        new = changed(WEB, image="nginx:2")
        code, said = await kubectl.run("diff", "-f", "-", stdin=new)
        assert (code, "image: nginx:2" in said) == (1, True)
        assert "configured (server dry run)" in await kubectl.ok(
            *apply, "--dry-run=server", stdin=new
        )
        assert "configured" in await kubectl.ok(*apply, "--validate=true", stdin=new)
        assert "replaced" in await kubectl.ok("replace", "-f", "-", stdin=json.dumps(WEB))

    play(minor, tmp_path, story)


@every
def test_a_field_that_there_is_not_is_told_before_it_is_stored(minor: int, tmp_path: Path) -> None:
    async def story(kubectl: Kubectl) -> None:
        wrong = changed(WEB, imagee="x")
        for verb in ("create", "apply"):
            code, said = await kubectl.run(verb, "-f", "-", stdin=wrong)
            assert code == 1
            if minor == OLDEST:  # it looks itself
                assert 'unknown field "imagee" in io.k8s.api.core.v1.Container' in said
            else:
                assert (
                    'Deployment in version "v1" cannot be handled as a Deployment: strict decoding '
                    'error: unknown field "spec.template.spec.containers[0].imagee"'
                ) in said
        said = await kubectl.ok("create", "--validate=false", "-f", "-", stdin=wrong)
        assert "created" in said

    play(minor, tmp_path, story)


TYPED = (
    "cm c --from-literal=a=b",
    "secret generic s --from-literal=password=geheim",
    "sa a",
    "deploy d --image=nginx:1 --replicas=0 --port=80",
    "job j --image=busybox -- sleep 1",
    "pdb p --selector=app=x --min-available=50%",
    "service clusterip web --tcp=80:8080",
    "service nodeport node --tcp=81:81",
    "service externalname outside --external-name=a.example",
    "role r --verb=get --resource=pods",
    "rolebinding rb --role=r --serviceaccount=shop:a",
    "quota q --hard=pods=3,cpu=1500m",
    "ingress i --rule=a.example/*=web:80",
)
CLUSTER_WIDE = (
    "clusterrole cr --verb=get,list --resource=nodes",
    "clusterrolebinding crb --clusterrole=cr --user=bob",
    "priorityclass pc --value=7 --description=x",
)


@with_protobuf
def test_what_kubectl_sends_as_protobuf_is_stored(minor: int, tmp_path: Path) -> None:
    async def story(kubectl: Kubectl) -> None:
        await kubectl.ok("create", "ns", "shop")
        for words in TYPED:
            assert "created" in await kubectl.ok("-n", "shop", "create", *words.split())
        for words in CLUSTER_WIDE:
            assert "created" in await kubectl.ok("create", *words.split())
        await kubectl.ok(
            *("-n", "shop", "create", "cronjob", "cj", "--image=busybox", "--schedule=*/5 * * * *")
        )

        async def stored(kind: str, name: str) -> Obj:
            text = await kubectl.ok("-n", "shop", "get", kind, name, "-o", "json")
            obj: Obj = json.loads(text)
            return obj

        assert (await stored("cm", "c"))["data"] == {"a": "b"}
        assert (await stored("secret", "s"))["data"] == {"password": "Z2VoZWlt"}
        made = (await stored("deploy", "d"))["spec"]
        assert made["replicas"] == 0
        assert made["template"]["spec"]["containers"][0]["ports"][0]["containerPort"] == 80
        assert (await stored("pdb", "p"))["spec"]["minAvailable"] == "50%"
        ports = (await stored("svc", "web"))["spec"]["ports"]
        assert ports == [{"name": "80-8080", "port": 80, "protocol": "TCP", "targetPort": 8080}]
        assert (await stored("svc", "web"))["spec"]["clusterIP"].startswith("10.96.")
        assert (await stored("quota", "q"))["spec"]["hard"] == {"pods": "3", "cpu": "1500m"}
        assert (await stored("cronjob", "cj"))["spec"]["schedule"] == "*/5 * * * *"
        assert (await stored("pc", "pc"))["value"] == 7
        if minor >= SCALES_BY_V2:
            await kubectl.ok("-n", "shop", "autoscale", "deploy", "d", "--min=1", "--max=3")
            assert (await stored("hpa", "d"))["spec"]["minReplicas"] == 1

    play(minor, tmp_path, story)


@with_protobuf
def test_what_kubectl_sends_as_protobuf_is_checked(minor: int, tmp_path: Path) -> None:
    async def story(kubectl: Kubectl) -> None:
        code, said = await kubectl.run("create", "cm", "Not_A_Name")
        assert (code, 'ConfigMap "Not_A_Name" is invalid: metadata.name' in said) == (1, True)
        code, said = await kubectl.run("-n", "nope", "create", "cm", "c")
        assert (code, 'namespaces "nope" not found' in said) == (1, True)
        code, said = await kubectl.run("create", "ns", "default")
        assert (code, 'namespaces "default" already exists' in said) == (1, True)

    play(minor, tmp_path, story)
