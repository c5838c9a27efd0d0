"""Runtime classes: a pod's class must be there, and its overhead and places become the pod's."""

from pathlib import Path
from typing import Any

import pytest

from labctl.api.kinds.cluster import RUNTIMECLASSES
from labctl.api.kinds.core import PODS
from labctl.api.objects import Obj
from labctl.client.client import Client
from tests.apiserver.serving import client, node_client, pod, refused, run, serving

SMALL = {"podFixed": {"cpu": "250m", "memory": "64Mi"}}
PLACE: Obj = {
    "nodeSelector": {"vm": "yes"},
    "tolerations": [{"key": "vm", "operator": "Exists", "effect": "NoSchedule"}],
}


async def make_class(api: Client, name: str, **fields: Any) -> None:
    await api.create(RUNTIMECLASSES, {"metadata": {"name": name}, "handler": "h", **fields})


def test_a_pod_gets_what_its_class_says(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api = client(server)
            await make_class(api, "vm", overhead=SMALL, scheduling=PLACE)
            await server.cache.fresh()
            wanted = pod("a", runtimeClassName="vm", nodeSelector={"zone": "a"})
            spec = (await api.create(PODS, wanted))["spec"]
            assert spec["overhead"] == SMALL["podFixed"]
            assert spec["nodeSelector"] == {"zone": "a", "vm": "yes"}
            assert PLACE["tolerations"][0] in spec["tolerations"]
            same = {"cpu": "0.25", "memory": "65536Ki"}
            again = await api.create(PODS, pod("b", runtimeClassName="vm", overhead=same))
            assert again["spec"]["overhead"] == SMALL["podFixed"]

    run(main())


REFUSED: list[tuple[Obj, str]] = [
    ({"runtimeClassName": "kata"}, 'pod rejected: RuntimeClass "kata" not found'),
    (
        {"overhead": {"cpu": "1"}},
        "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead",
    ),
    (
        {"runtimeClassName": "plain", "overhead": {"cpu": "1"}},
        "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead",
    ),
    (
        {"runtimeClassName": "vm", "overhead": {"cpu": "1"}},
        "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead",
    ),
    (
        {"runtimeClassName": "vm", "nodeSelector": {"vm": "no"}},
        "conflict: runtimeClass.scheduling.nodeSelector[vm] = yes; pod.spec.nodeSelector[vm] = no",
    ),
]


@pytest.mark.parametrize(("spec", "why"), REFUSED)
def test_a_pod_that_contradicts_its_class_is_refused(tmp_path: Path, spec: Obj, why: str) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api = client(server)
            await make_class(api, "vm", overhead=SMALL, scheduling=PLACE)
            await make_class(api, "plain")
            await server.cache.fresh()
            error = await refused(api.create(PODS, pod("a", **spec)), 403, "Forbidden")
            assert error.message == f'pods "a" is forbidden: {why}'

    run(main())


def test_nodes_may_read_classes(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            await make_class(client(server), "vm")
            found = await node_client(server, "node1").get(RUNTIMECLASSES, "vm")
            assert found["handler"] == "h"

    run(main())
