"""scale, binding and eviction."""

import asyncio
from pathlib import Path

from labctl.api.kinds.apps import DEPLOYMENTS
from labctl.api.kinds.core import PODS
from labctl.errors import StatusError
from tests.apiserver.serving import client, deployment, pod, refused, run, serving, transport

_SCALE = "/apis/apps/v1/namespaces/default/deployments/web/scale"


def test_scale_is_a_view_of_replicas(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api, wire = client(server), transport(server)
            made = await api.create(DEPLOYMENTS, deployment("web", replicas=2))
            scale = await wire.request("GET", _SCALE)
            assert (scale["apiVersion"], scale["kind"]) == ("autoscaling/v1", "Scale")
            assert scale["spec"] == {"replicas": 2}
            assert scale["status"] == {"replicas": 0, "selector": "app=web"}
            assert scale["metadata"]["uid"] == made["metadata"]["uid"]

            for content_type in ("merge-patch", "strategic-merge-patch"):
                scale = await wire.request(
                    "PATCH",
                    _SCALE,
                    body={"spec": {"replicas": 4}},
                    content_type=f"application/{content_type}+json",
                )
                assert scale["spec"] == {"replicas": 4}
            changed = await api.get(DEPLOYMENTS, "web", "default")
            assert changed["spec"]["replicas"] == 4
            assert changed["metadata"]["generation"] == 2

            scale = await wire.request("PUT", _SCALE, body={**scale, "spec": {}})
            assert (await api.get(DEPLOYMENTS, "web", "default"))["spec"]["replicas"] == 0

    run(main())


def test_scale_keeps_the_rules(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api, wire = client(server), transport(server)
            await api.create(DEPLOYMENTS, deployment("web"))
            scale = await wire.request("GET", _SCALE)
            stale = {**scale, "metadata": {**scale["metadata"], "resourceVersion": "1"}}
            await refused(wire.request("PUT", _SCALE, body=stale), 409, "Conflict")
            negative = {**scale, "spec": {"replicas": -1}}
            await refused(wire.request("PUT", _SCALE, body=negative), 422, "Invalid")
            text = {**scale, "spec": {"replicas": "3"}}
            await refused(wire.request("PUT", _SCALE, body=text), 400, "BadRequest")
            missing = _SCALE.replace("web", "nope")
            await refused(wire.request("GET", missing), 404, "NotFound")

    run(main())


def test_a_pod_is_bound_once(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api = client(server)
            made = await api.create(PODS, pod("web"))
            await refused(api.bind("default", "web", "node1", uid="another"), 409, "Conflict")
            outcomes = await asyncio.gather(
                *(api.bind("default", "web", f"node{n}") for n in range(10)),
                return_exceptions=True,
            )
            refusals = [one for one in outcomes if isinstance(one, StatusError)]
            assert len(refusals) == 9
            bound = await api.get(PODS, "web", "default")
            node = bound["spec"]["nodeName"]
            assert refusals[0].message == (
                'Operation cannot be fulfilled on pods/binding "web": '
                f'pod web is already assigned to node "{node}"'
            )
            (condition,) = bound["status"]["conditions"]
            assert (condition["type"], condition["status"]) == ("PodScheduled", "True")
            assert bound["metadata"]["generation"] == made["metadata"]["generation"]

    run(main())


def test_a_pod_that_is_going_is_not_bound(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api = client(server)
            held = pod("web")
            held["metadata"]["finalizers"] = ["example.com/a"]
            await api.create(PODS, held)
            await api.delete(PODS, "web", "default")
            await refused(api.bind("default", "web", "node1"), 409, "Conflict", "is being deleted")
            await refused(api.bind("default", "nope", "node1"), 404, "NotFound")

    run(main())


def test_the_older_path_of_bindings_works_too(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api, wire = client(server), transport(server)
            await api.create(PODS, pod("web"))
            binding = {"metadata": {"name": "web"}, "target": {"kind": "Node", "name": "node1"}}
            await wire.request("POST", "/api/v1/namespaces/default/bindings", body=binding)
            assert (await api.get(PODS, "web", "default"))["spec"]["nodeName"] == "node1"

    run(main())


def test_an_eviction_is_a_deletion(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api = client(server)
            await api.create(PODS, pod("web"))
            await api.bind("default", "web", "node1")
            await api.evict("default", "web", grace=3)
            evicted = await api.get(PODS, "web", "default")
            assert evicted["metadata"]["deletionGracePeriodSeconds"] == 3
            await refused(api.evict("default", "nope"), 404, "NotFound")

    run(main())
