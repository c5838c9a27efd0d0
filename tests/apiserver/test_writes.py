"""Create, update and patch, through the whole chain."""

import asyncio
from pathlib import Path

from labctl.api.kinds.apps import DEPLOYMENTS
from labctl.api.kinds.core import CONFIGMAPS, NAMESPACES, PODS
from labctl.api.objects import Obj
from tests.apiserver.serving import (
    client,
    config_map,
    deployment,
    pod,
    refused,
    run,
    serving,
    transport,
)


def test_the_namespaces_of_every_cluster_are_there(tmp_path: Path) -> None:
    async def main() -> None:
        for _ in range(2):
            async with serving(tmp_path) as server:
                names = {
                    n["metadata"]["name"] for n in (await client(server).list(NAMESPACES)).items
                }
                assert names == {"default", "kube-system", "kube-public", "kube-node-lease"}
                default = await client(server).get(NAMESPACES, "default")
                assert default["status"] == {"phase": "Active"}
                assert default["spec"] == {"finalizers": ["kubernetes"]}
                assert default["metadata"]["resourceVersion"] == "1"

    run(main())


def test_a_new_object_gets_what_the_server_owns(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            sent = deployment("web")
            sent["metadata"] |= {"uid": "mine", "generation": 9, "creationTimestamp": None}
            made = await client(server).create(DEPLOYMENTS, {**sent, "status": {"replicas": 7}})
            metadata = made["metadata"]
            assert len(metadata["uid"]) == 36
            assert metadata["generation"] == 1
            assert metadata["creationTimestamp"].endswith("Z")
            assert made["status"] == {}
            assert made["spec"]["strategy"]["type"] == "RollingUpdate"
            assert await client(server).get(DEPLOYMENTS, "web", "default") == made

    run(main())


def test_the_senders_object_is_left_alone(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            sent = pod("web")
            await client(server).create(PODS, sent)
            assert sent == pod("web")

    run(main())


def test_a_generated_name_is_new_every_time(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            template = pod("x")
            template["metadata"] = {"generateName": "web-", "namespace": "default"}
            made = await asyncio.gather(*(client(server).create(PODS, template) for _ in range(50)))
            names = {one["metadata"]["name"] for one in made}
            assert len(names) == 50
            assert all(len(name) == len("web-") + 5 for name in names)

    run(main())


def test_creating_twice_is_refused(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            await client(server).create(PODS, pod("web"))
            await refused(
                client(server).create(PODS, pod("web")),
                409,
                "AlreadyExists",
                'pods "web" already exists',
            )

    run(main())


def test_the_generation_rises_with_the_specification_only(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api = client(server)
            await api.create(DEPLOYMENTS, deployment("web"))

            async def generation_after(change: Obj, subresource: str = "") -> int:
                changed = await api.patch(
                    DEPLOYMENTS, "web", change, "default", subresource=subresource
                )
                return int(changed["metadata"]["generation"])

            assert await generation_after({"spec": {"replicas": 2}}) == 2
            assert await generation_after({"metadata": {"labels": {"a": "b"}}}) == 2
            assert await generation_after({"status": {"replicas": 1}}, "status") == 2
            assert await generation_after({"status": {"replicas": 5}}) == 2
            assert await generation_after({"metadata": {"annotations": {"a": "b"}}}) == 3

    run(main())


def test_status_and_the_rest_are_written_apart(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api = client(server)
            await api.create(DEPLOYMENTS, deployment("web"))
            changed = await api.patch(
                DEPLOYMENTS, "web", {"status": {"replicas": 4}, "spec": {"replicas": 4}}, "default"
            )
            assert changed["spec"]["replicas"] == 4
            assert changed["status"] == {}
            changed = await api.patch(
                DEPLOYMENTS,
                "web",
                {
                    "status": {"replicas": 4},
                    "spec": {"replicas": 9},
                    "metadata": {"labels": {"a": "b"}},
                },
                "default",
                subresource="status",
            )
            assert changed["status"] == {"replicas": 4}
            assert changed["spec"]["replicas"] == 4
            assert "labels" not in changed["metadata"]

    run(main())


def test_a_change_that_changes_nothing_writes_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api = client(server)
            made = await api.create(DEPLOYMENTS, deployment("web"))
            version = made["metadata"]["resourceVersion"]
            assert await api.replace(DEPLOYMENTS, made) == made
            assert await api.replace(DEPLOYMENTS, deployment("web")) == made
            patched = await api.patch(DEPLOYMENTS, "web", {"spec": {"replicas": 1}}, "default")
            assert patched["metadata"]["resourceVersion"] == version
            assert server.cache.revision == int(version)

    run(main())


def test_an_update_of_an_old_version_is_refused(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api = client(server)
            old = await api.create(CONFIGMAPS, config_map("settings", a="1"))
            await api.patch(CONFIGMAPS, "settings", {"data": {"a": "2"}}, "default")
            await refused(
                api.replace(CONFIGMAPS, {**old, "data": {"a": "3"}}),
                409,
                "Conflict",
                'Operation cannot be fulfilled on configmaps "settings": the object has been '
                "modified; please apply your changes to the latest version and try again",
            )
            stale = {"metadata": {"resourceVersion": "1"}, "data": {"a": "4"}}
            await refused(api.patch(CONFIGMAPS, "settings", stale, "default"), 409, "Conflict")
            other = {**old, "metadata": {**old["metadata"], "resourceVersion": "", "uid": "other"}}
            await refused(api.replace(CONFIGMAPS, other), 409, "Conflict", "UID in precondition")
            assert (await api.get(CONFIGMAPS, "settings", "default"))["data"] == {"a": "2"}

    run(main())


def test_patches_without_a_version_never_lose_a_race(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api = client(server)
            await api.create(CONFIGMAPS, config_map("settings"))
            patches = [{"data": {f"k{n}": "x"}} for n in range(40)]
            await asyncio.gather(
                *(api.patch(CONFIGMAPS, "settings", one, "default") for one in patches)
            )
            assert len((await api.get(CONFIGMAPS, "settings", "default"))["data"]) == 40

    run(main())


def test_the_three_kinds_of_patches(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api = client(server)
            await api.create(DEPLOYMENTS, deployment("web"))
            containers = [{"name": "side", "image": "busybox"}]
            changed = await api.patch(
                DEPLOYMENTS,
                "web",
                {"spec": {"template": {"spec": {"containers": containers}}}},
                "default",
                type="strategic",
            )
            names = [c["name"] for c in changed["spec"]["template"]["spec"]["containers"]]
            assert sorted(names) == ["main", "side"]
            operations = [
                {"op": "test", "path": "/spec/replicas", "value": 1},
                {"op": "replace", "path": "/spec/replicas", "value": 3},
            ]
            changed = await api.patch(DEPLOYMENTS, "web", operations, "default", type="json")
            assert changed["spec"]["replicas"] == 3
            await refused(
                api.patch(DEPLOYMENTS, "web", operations, "default", type="json"), 422, "Invalid"
            )

    run(main())


def test_a_dry_run_tells_all_and_writes_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            wire, api = transport(server), client(server)
            query = {"dryRun": "All"}
            before = server.cache.revision
            made = await wire.request(
                "POST", "/api/v1/namespaces/default/pods", query=query, body=pod("web")
            )
            assert made["metadata"]["uid"]
            assert server.cache.revision == before
            await api.create(PODS, pod("web"))
            await refused(
                wire.request(
                    "POST", "/api/v1/namespaces/default/pods", query=query, body=pod("web")
                ),
                409,
                "AlreadyExists",
            )
            before = server.cache.revision
            path = "/api/v1/namespaces/default/pods/web"
            patched = await wire.request(
                "PATCH",
                path,
                query=query,
                body={"metadata": {"labels": {"a": "b"}}},
                content_type="application/merge-patch+json",
            )
            assert patched["metadata"]["labels"]["a"] == "b"
            await wire.request("DELETE", path, query=query)
            assert server.cache.revision == before
            assert "a" not in (await api.get(PODS, "web", "default"))["metadata"]["labels"]

    run(main())
