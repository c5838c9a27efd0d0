"""Server-side apply through the whole chain: over HTTP, as kubectl and controllers send it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from labctl.api.kinds.apps import DEPLOYMENTS
from labctl.api.kinds.core import CONFIGMAPS, NODES, PODS
from labctl.api.objects import Obj
from labctl.client.client import Client
from tests.apiserver.https import Site, listening
from tests.apiserver.serving import client, config_map, deployment, node, refused, run

_APPLY = "application/apply-patch+yaml"
_WEB = "/apis/apps/v1/namespaces/default/deployments/web"


@asynccontextmanager
async def wired(directory: Path) -> AsyncIterator[tuple[Site, Client]]:
    """A listening server, and an administrator at the other end of a wire."""
    async with listening(directory) as site:
        api = Client(site.transport())
        try:
            yield site, api
        finally:
            await api.transport.close()


async def apply(api: Client, config: Obj, manager: str, path: str = _WEB, **query: str) -> Obj:
    return await api.transport.request(
        "PATCH",
        path,
        query={"fieldManager": manager, **query},
        body=config,
        content_type=_APPLY,
    )


def config(**spec: Any) -> Obj:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": spec,
    }


def managers(obj: Obj) -> list[tuple[str, str, str]]:
    return [
        (one["manager"], one["operation"], one.get("subresource", ""))
        for one in obj["metadata"]["managedFields"]
    ]


def fields(obj: Obj, manager: str) -> Obj:
    (found,) = [
        one["fieldsV1"] for one in obj["metadata"]["managedFields"] if one["manager"] == manager
    ]
    return dict(found)


def test_what_is_not_there_is_made(tmp_path: Path) -> None:
    async def main() -> None:
        async with wired(tmp_path) as (site, _), site.session() as session:
            body = b"""
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: main, image: "nginx:1"}]}
"""
            headers = {"Content-Type": _APPLY}
            codes, versions = [], set()
            for _ in range(2):
                answer = await session.patch(f"{_WEB}?fieldManager=me", data=body, headers=headers)
                codes.append(answer.status)
                made = await answer.json()
                versions.add(made["metadata"]["resourceVersion"])
            assert (codes, len(versions)) == ([201, 200], 1)
            assert made["spec"]["replicas"] == 1
            assert managers(made) == [("me", "Apply", "")]
            assert fields(made, "me")["f:spec"] == {
                "f:selector": {},
                "f:template": {
                    "f:metadata": {"f:labels": {"f:app": {}}},
                    "f:spec": {
                        "f:containers": {
                            'k:{"name":"main"}': {".": {}, "f:image": {}, "f:name": {}}
                        }
                    },
                },
            }

    run(main())


def test_a_conflict_names_the_field_and_who_has_it(tmp_path: Path) -> None:
    async def main() -> None:
        async with wired(tmp_path) as (_, api):
            await apply(api, deployment("web", 3), "first")
            error = await refused(apply(api, config(replicas=5), "second"), 409, "Conflict")
            assert error.message == (
                'Apply failed with 1 conflict: conflict with "first": .spec.replicas'
            )
            assert error.status["details"] == {
                "causes": [
                    {
                        "reason": "FieldManagerConflict",
                        "message": 'conflict with "first"',
                        "field": ".spec.replicas",
                    }
                ]
            }
            await api.patch(DEPLOYMENTS, "web", {"spec": {"paused": True}}, "default")
            both = config(replicas=5, paused=False)
            error = await refused(apply(api, both, "second"), 409, "Conflict")
            assert error.message == (
                "Apply failed with 2 conflicts: "
                'conflicts with "first":\n- .spec.replicas\n'
                'conflicts with "labctl" using apps/v1:\n- .spec.paused'
            )
            forced = await apply(api, both, "second", force="true")
            assert (forced["spec"]["replicas"], forced["spec"]["paused"]) == (5, False)
            assert fields(forced, "second") == {"f:spec": {"f:replicas": {}, "f:paused": {}}}
            assert "f:replicas" not in fields(forced, "first")["f:spec"]

    run(main())


def test_what_is_applied_no_longer_goes_unless_it_is_shared(tmp_path: Path) -> None:
    async def main() -> None:
        async with wired(tmp_path) as (_, api):
            path = "/api/v1/namespaces/default/configmaps/settings"
            await apply(api, config_map("settings", a="1", b="1"), "first", path)
            await apply(api, config_map("settings", a="1"), "second", path)
            left = await apply(api, config_map("settings"), "first", path)
            assert left["data"] == {"a": "1"}
            gone = await apply(api, config_map("settings"), "second", path)
            assert "data" not in gone

    run(main())


def test_nothing_is_written_for_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        async with wired(tmp_path) as (_, api):
            made = await apply(api, deployment("web"), "me")
            assert await apply(api, deployment("web"), "me") == made
            assert await api.replace(DEPLOYMENTS, made) == made
            other = await apply(api, config(replicas=1), "other")
            assert other["metadata"]["generation"] == 1
            assert managers(other) == [("me", "Apply", ""), ("other", "Apply", "")]

    run(main())


def test_a_dry_run_answers_as_if_and_leaves_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        async with wired(tmp_path) as (site, api):
            before = site.server.cache.revision
            made = await apply(api, deployment("web"), "me", dryRun="All")
            assert made["metadata"]["uid"]
            await refused(api.get(DEPLOYMENTS, "web", "default"), 404, "NotFound")
            assert site.server.cache.revision == before
            await apply(api, deployment("web"), "me")
            changed = await apply(api, deployment("web", 4), "me", dryRun="All")
            assert changed["spec"]["replicas"] == 4
            assert (await api.get(DEPLOYMENTS, "web", "default"))["spec"]["replicas"] == 1

    run(main())


def test_status_and_scale_are_applied_apart(tmp_path: Path) -> None:
    async def main() -> None:
        async with wired(tmp_path) as (_, api):
            await apply(api, deployment("web"), "me")
            status = {**config(replicas=9), "status": {"replicas": 7}}
            written = await apply(api, status, "watcher", f"{_WEB}/status")
            assert (written["spec"]["replicas"], written["status"]) == (1, {"replicas": 7})
            assert ("watcher", "Apply", "status") in managers(written)
            assert fields(written, "watcher") == {"f:status": {"f:replicas": {}}}
            ignored = await apply(api, {**config(replicas=1), "status": {"replicas": 1}}, "me2")
            assert ignored["status"] == {"replicas": 7}
            scale = {"apiVersion": "autoscaling/v1", "kind": "Scale", "spec": {"replicas": 4}}
            error = await refused(apply(api, scale, "hpa", f"{_WEB}/scale"), 409, "Conflict")
            assert ".spec.replicas" in error.message
            scaled = await apply(api, scale, "hpa", f"{_WEB}/scale", force="true")
            assert scaled["spec"] == {"replicas": 4}
            web = await api.get(DEPLOYMENTS, "web", "default")
            assert ("hpa", "Apply", "scale") in managers(web)
            assert fields(web, "hpa") == {"f:spec": {"f:replicas": {}}}

    run(main())


def test_what_was_not_applied_before_is_filed_under_that_name(tmp_path: Path) -> None:
    async def main() -> None:
        async with wired(tmp_path) as (site, api):
            made = await client(site.server).create(DEPLOYMENTS, deployment("web", 2))
            assert "managedFields" not in made["metadata"]
            error = await refused(apply(api, config(replicas=3), "me"), 409, "Conflict")
            assert 'conflict with "before-first-apply" using apps/v1' in error.message
            applied = await apply(api, config(replicas=2), "me")
            assert managers(applied) == [("me", "Apply", ""), ("before-first-apply", "Update", "")]

    run(main())


def test_who_may_patch_but_not_create_makes_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        async with wired(tmp_path) as (site, _):
            kubelet = Client(site.transport("node-node1"))
            lease = {
                "apiVersion": "coordination.k8s.io/v1",
                "kind": "Lease",
                "metadata": {"name": "node1", "namespace": "kube-node-lease"},
                "spec": {"holderIdentity": "node1"},
            }
            path = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/node1"
            assert await apply(kubelet, lease, "kubelet", path)
            pod_path = "/api/v1/namespaces/default/pods/web/status"
            status = {"apiVersion": "v1", "kind": "Pod", "status": {"phase": "Running"}}
            await refused(apply(kubelet, status, "kubelet", pod_path), 404, "NotFound")
            await kubelet.transport.close()

    run(main())


def test_applying_and_creating_at_once_ends_in_one_object(tmp_path: Path) -> None:
    async def main() -> None:
        import asyncio

        async with wired(tmp_path) as (_, api):
            path = "/api/v1/namespaces/default/configmaps/settings"
            configs = [config_map("settings", **{f"k{n}": "x"}) for n in range(20)]
            await asyncio.gather(*(apply(api, one, f"m{n}", path) for n, one in enumerate(configs)))
            made = await api.get(CONFIGMAPS, "settings", "default")
            assert len(made["data"]) == len(made["metadata"]["managedFields"]) == 20

    run(main())


def test_what_is_being_deleted_takes_no_new_finalizer(tmp_path: Path) -> None:
    async def main() -> None:
        async with wired(tmp_path) as (_, api):
            path = "/api/v1/namespaces/default/configmaps/settings"
            held = config_map("settings", a="1")
            held["metadata"]["finalizers"] = ["example.org/hold"]
            await apply(api, held, "me", path)
            await api.delete(CONFIGMAPS, "settings", "default")
            more = config_map("settings", a="2")
            more["metadata"]["finalizers"] = ["example.org/hold", "example.org/more"]
            await refused(apply(api, more, "me", path), 422, "Invalid")
            assert (await apply(api, {**held, "data": {"a": "3"}}, "me", path))["data"] == {
                "a": "3"
            }
            await apply(api, config_map("settings"), "me", path)
            await refused(api.get(CONFIGMAPS, "settings", "default"), 404, "NotFound")

    run(main())


def test_taints_are_one_field(tmp_path: Path) -> None:
    async def main() -> None:
        async with wired(tmp_path) as (site, api):
            await client(site.server).create(NODES, node("node1"))
            taints = [{"key": "a", "effect": "NoSchedule"}]
            wish = {**node("node1"), "spec": {"taints": taints}}
            forced = await apply(api, wish, "me", "/api/v1/nodes/node1", force="true")
            assert forced["spec"]["taints"] == taints

    run(main())


def test_nodes_and_pods_of_the_cluster_say_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        async with wired(tmp_path) as (site, _):
            kubelet = Client(site.transport("node-node1"))
            registered = await kubelet.create(NODES, node("node1"))
            assert "managedFields" not in registered["metadata"]
            written = await kubelet.patch(NODES, "node1", {"metadata": {"labels": {"a": "b"}}})
            assert "managedFields" not in written["metadata"]
            await kubelet.transport.close()
            assert not [
                one
                for one in (await client(site.server).list(PODS)).items
                if "managedFields" in one["metadata"]
            ]

    run(main())
