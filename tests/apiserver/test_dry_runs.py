"""dryRun=All: every verb answers as if it had been done, and nothing is stored."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from labctl.api.kinds.apps import DEPLOYMENTS
from labctl.api.kinds.core import CONFIGMAPS, NODES, PODS
from labctl.api.objects import Obj
from labctl.apiserver.local import LocalTransport
from tests.apiserver.serving import (
    client,
    config_map,
    deployment,
    node,
    pod,
    refused,
    run,
    serving,
    transport,
)

_CORE = "/api/v1/namespaces/default"
_WEB = "/apis/apps/v1/namespaces/default/deployments/web"
_DRY: Mapping[str, str] = {"dryRun": "All"}


def test_nothing_is_stored_by_any_verb(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api, wire = client(server), transport(server)
            await api.create(NODES, node("node1"))
            await api.create(DEPLOYMENTS, deployment("web"))
            await api.create(PODS, pod("free"))
            await api.create(PODS, pod("bound"))
            await api.bind("default", "bound", "node1")
            await api.create(CONFIGMAPS, config_map("settings", a="1"))
            before = server.cache.revision
            await _creates(wire)
            await _changes(wire)
            await _deletions(wire)
            await server.cache.fresh()
            assert server.cache.revision == before

    run(main())


async def ask(wire: LocalTransport, method: str, path: str, body: Any = None, **more: str) -> Obj:
    kind = {"content_type": "application/merge-patch+json"} if method == "PATCH" else {}
    return await wire.request(method, path, query={**_DRY, **more}, body=body, **kind)


async def _creates(wire: LocalTransport) -> None:
    made = await ask(wire, "POST", f"{_CORE}/pods", pod("new"))
    assert made["metadata"]["uid"]
    assert made["status"]["phase"] == "Pending"
    await refused(ask(wire, "POST", f"{_CORE}/pods", pod("free")), 409, "AlreadyExists")
    generated = {**pod("x"), "metadata": {"generateName": "web-", "namespace": "default"}}
    one = await ask(wire, "POST", f"{_CORE}/pods", generated)
    other = await ask(wire, "POST", f"{_CORE}/pods", generated)
    assert one["metadata"]["name"] != other["metadata"]["name"]
    target = {"target": {"name": "node1"}}
    assert (await ask(wire, "POST", f"{_CORE}/pods/free/binding", target))["status"] == "Success"
    eviction = {"apiVersion": "policy/v1", "metadata": {"name": "bound"}}
    assert (await ask(wire, "POST", f"{_CORE}/pods/bound/eviction", eviction))[
        "status"
    ] == "Success"
    within = {**eviction, "deleteOptions": {"dryRun": ["All"]}}
    await wire.request("POST", f"{_CORE}/pods/bound/eviction", body=within)


async def _changes(wire: LocalTransport) -> None:
    changed = await ask(wire, "PUT", f"{_CORE}/configmaps/settings", config_map("settings", a="2"))
    assert changed["data"] == {"a": "2"}
    patched = await ask(wire, "PATCH", _WEB, {"spec": {"replicas": 5}})
    assert (patched["spec"]["replicas"], patched["metadata"]["generation"]) == (5, 2)
    status = await ask(wire, "PATCH", f"{_WEB}/status", {"status": {"replicas": 5}})
    assert status["status"] == {"replicas": 5}
    scaled = await ask(wire, "PATCH", f"{_WEB}/scale", {"spec": {"replicas": 7}})
    assert scaled["spec"] == {"replicas": 7}


async def _deletions(wire: LocalTransport) -> None:
    gone = await ask(wire, "DELETE", f"{_CORE}/configmaps/settings")
    assert gone["status"] == "Success"
    dying = await ask(wire, "DELETE", f"{_CORE}/pods/bound")
    assert dying["metadata"]["deletionGracePeriodSeconds"] == 30
    held = await ask(wire, "DELETE", _WEB, propagationPolicy="Foreground")
    assert held["metadata"]["finalizers"] == ["foregroundDeletion"]
    listed = await ask(wire, "DELETE", f"{_CORE}/pods")
    assert len(listed["items"]) == 2
    await wire.request("DELETE", f"{_CORE}/configmaps", body={"dryRun": ["All"]})
