"""What a node may read because one of its pods names it, and until when."""

from pathlib import Path
from typing import Any

import pytest

from labctl.api.kinds.core import CONFIGMAPS, PODS, SECRETS
from labctl.api.objects import Obj
from labctl.apiserver.authorization.references import references
from tests.apiserver.serving import (
    client,
    config_map,
    first,
    node_client,
    pod,
    refused,
    run,
    serving,
)

_SOURCE = {"secret": {"name": "p"}}
_ENV = {"valueFrom": {"secretKeyRef": {"name": "e"}}}

# A pod's spec, and what it names besides its account.
_SPECS: list[tuple[Obj, tuple[str, str]]] = [
    ({"imagePullSecrets": [{"name": "i"}]}, ("secrets", "i")),
    ({"volumes": [{"name": "v", "secret": {"secretName": "s"}}]}, ("secrets", "s")),
    ({"volumes": [{"name": "v", "configMap": {"name": "c"}}]}, ("configmaps", "c")),
    ({"volumes": [{"name": "v", "projected": {"sources": [_SOURCE]}}]}, ("secrets", "p")),
    (
        {"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "d"}}]},
        ("persistentvolumeclaims", "d"),
    ),
    ({"containers": [{"env": [_ENV]}]}, ("secrets", "e")),
    ({"initContainers": [{"envFrom": [{"configMapRef": {"name": "f"}}]}]}, ("configmaps", "f")),
]


@pytest.mark.parametrize(("spec", "named"), _SPECS)
def test_what_a_pod_names(spec: Obj, named: tuple[str, str]) -> None:
    assert set(references({"spec": spec})) == {("serviceaccounts", "default"), named}


def _pod(name: str, **more: Any) -> Obj:
    source = {"name": "v", "secret": {"secretName": "s"}}
    env = {"name": "A", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "a"}}}
    container = {"name": "main", "image": "nginx", "env": [env]}
    return pod(name, volumes=[source], containers=[container], **more)


def test_a_node_reads_what_its_pods_name_while_they_are_there(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            admin = client(server)
            one, two = node_client(server, "node1"), node_client(server, "node2")
            for name in ("s", "other"):
                await admin.create(SECRETS, {"metadata": {"name": name, "namespace": "default"}})
            await admin.create(CONFIGMAPS, config_map("c"))
            await admin.create(PODS, _pod("web"))
            await refused(one.get(SECRETS, "s", "default"), 403, "Forbidden")
            await admin.bind("default", "web", "node1")
            await one.get(SECRETS, "s", "default")
            await one.get(CONFIGMAPS, "c", "default")
            await one.get(PODS, "web", "default")
            assert len((await one.list(SECRETS, "default", fields="metadata.name=s")).items) == 1
            events = one.watch(SECRETS, "default", fields="metadata.name=s")
            assert [event.type for event in await first(events, 1)] == ["ADDED"]
            await events.aclose()
            for api, name in ((two, "s"), (one, "other")):
                await refused(api.get(SECRETS, name, "default"), 403, "Forbidden")
            await refused(one.get(SECRETS, "s", "kube-system"), 403, "Forbidden")
            await refused(one.list(SECRETS, "default"), 403, "Forbidden", "cannot list")
            await refused(two.get(PODS, "web", "default"), 403, "Forbidden")
            await admin.delete(PODS, "web", "default", grace=0)
            await refused(one.get(SECRETS, "s", "default"), 403, "Forbidden")

    run(main())


def test_a_mirror_pod_opens_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            kubelet = node_client(server, "node1")
            await client(server).create(CONFIGMAPS, config_map("c"))
            mirror = _pod("m", nodeName="node1")
            mirror["metadata"]["annotations"] = {"kubernetes.io/config.mirror": "x"}
            await kubelet.create(PODS, mirror)
            await refused(kubelet.get(CONFIGMAPS, "c", "default"), 403, "Forbidden")

    run(main())


def test_a_node_reads_the_labs_settings_and_no_other_configmap_there(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            for name in ("labctl", "other"):
                await client(server).create(CONFIGMAPS, config_map(name, "kube-system"))
            kubelet = node_client(server, "node1")
            found = await kubelet.list(CONFIGMAPS, "kube-system", fields="metadata.name=labctl")
            assert len(found.items) == 1
            await kubelet.get(CONFIGMAPS, "labctl", "kube-system")
            await refused(kubelet.get(CONFIGMAPS, "other", "kube-system"), 403, "Forbidden")
            await refused(kubelet.list(CONFIGMAPS, "kube-system"), 403, "Forbidden")

    run(main())
