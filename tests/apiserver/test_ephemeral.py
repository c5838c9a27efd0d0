"""The subresource ephemeralcontainers: only it adds them, and only them."""

import asyncio
from pathlib import Path

from labctl.api.kinds.core import PODS
from labctl.api.objects import Obj
from tests.apiserver.serving import client, pod, refused, run, serving, transport

_PATH = "/api/v1/namespaces/default/pods/web/ephemeralcontainers"
_TOOL: Obj = {"name": "tool", "image": "busybox", "targetContainerName": "web"}
STRATEGIC = "application/strategic-merge-patch+json"


def _patch(*containers: Obj) -> Obj:
    return {"spec": {"ephemeralContainers": list(containers)}}


def test_a_patch_adds_a_container_with_its_defaults(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api, wire = client(server), transport(server)
            await api.create(PODS, pod("web"))
            target = pod("web")["spec"]["containers"][0]["name"]
            tool = {**_TOOL, "targetContainerName": target}
            patched = await wire.request("PATCH", _PATH, body=_patch(tool), content_type=STRATEGIC)
            (made,) = patched["spec"]["ephemeralContainers"]
            assert made["terminationMessagePolicy"] == "File"
            assert patched["metadata"]["generation"] == 2
            assert (await wire.request("GET", _PATH))["spec"] == patched["spec"]

            more = {"name": "more", "image": "busybox"}
            both = await wire.request("PATCH", _PATH, body=_patch(more), content_type=STRATEGIC)
            names = {one["name"] for one in both["spec"]["ephemeralContainers"]}
            assert names == {"tool", "more"}

    run(main())


def test_a_put_takes_these_containers_and_nothing_else(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api, wire = client(server), transport(server)
            made = await api.create(PODS, pod("web"))
            tool = {"name": "tool", "image": "busybox"}
            spec = {**made["spec"], "ephemeralContainers": [tool], "nodeName": "elsewhere"}
            body = {**made, "spec": spec, "metadata": {**made["metadata"], "labels": {"a": "b"}}}
            put = await wire.request("PUT", _PATH, body=body)
            assert put["spec"]["ephemeralContainers"][0]["name"] == "tool"
            assert put["spec"].get("nodeName") == made["spec"].get("nodeName")
            assert put["metadata"].get("labels") == made["metadata"].get("labels")

    run(main())


def test_what_is_there_stays_and_what_is_wrong_is_refused(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api, wire = client(server), transport(server)
            await api.create(PODS, pod("web"))
            tool = {"name": "tool", "image": "busybox"}

            async def patch(*containers: Obj) -> Obj:
                body = _patch(*containers)
                return await wire.request("PATCH", _PATH, body=body, content_type=STRATEGIC)

            await refused(patch({**tool, "targetContainerName": "nobody"}), 422, "Invalid")
            await refused(patch({**tool, "ports": [{"containerPort": 1}]}), 422, "Invalid")
            await refused(patch({"name": "tool"}), 422, "Invalid")
            await refused(patch({"name": 7}), 422, "Invalid")
            there = await patch(tool)
            await refused(patch({**tool, "image": "other"}), 422, "Invalid")
            gone = {**there, "spec": {**there["spec"], "ephemeralContainers": []}}
            await refused(wire.request("PUT", _PATH, body=gone), 422, "Invalid")
            plain = PODS.path("default", "web")
            await refused(wire.request("PUT", plain, body=gone), 422, "Invalid")
            missing = _PATH.replace("web", "nope")
            await refused(wire.request("GET", missing), 404, "NotFound")
            await refused(wire.request("DELETE", _PATH), 405, "MethodNotAllowed")

    run(main())


def test_two_at_once_both_get_in(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api, wire = client(server), transport(server)
            await api.create(PODS, pod("web"))
            tools = [{"name": f"tool-{n}", "image": "busybox"} for n in range(5)]
            await asyncio.gather(
                *(
                    wire.request("PATCH", _PATH, body=_patch(one), content_type=STRATEGIC)
                    for one in tools
                )
            )
            now = await api.get(PODS, "web", "default")
            names = {one["name"] for one in now["spec"]["ephemeralContainers"]}
            assert names == {one["name"] for one in tools}

    run(main())
