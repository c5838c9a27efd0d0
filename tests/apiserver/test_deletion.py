"""Deletion: at once, with grace, behind finalizers, on conditions, and of namespaces."""

from pathlib import Path
from typing import Any

import pytest

from labctl.api.kinds.apps import DEPLOYMENTS
from labctl.api.kinds.core import CONFIGMAPS, NAMESPACES, PODS
from labctl.api.objects import Obj, parse_time
from labctl.apiserver.registry.deletion import marked_for_deletion
from labctl.apiserver.registry.options import DeleteOptions
from labctl.client.client import Client
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


async def running_pod(api: Client, name: str, **spec: Any) -> Obj:
    await api.create(PODS, pod(name, **spec))
    await api.bind("default", name, "node1")
    return await api.get(PODS, name, "default")


async def is_gone(api: Client, name: str) -> bool:
    return name not in {p["metadata"]["name"] for p in (await api.list(PODS)).items}


def test_a_pod_without_a_node_goes_at_once(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api = client(server)
            made = await api.create(PODS, pod("web"))
            gone = await api.delete(PODS, "web", "default")
            assert gone["metadata"]["uid"] == made["metadata"]["uid"]
            assert await is_gone(api, "web")

    run(main())


def test_a_pod_on_a_node_is_marked_until_its_node_reports_it_gone(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api = client(server)
            made = await running_pod(api, "web", terminationGracePeriodSeconds=40)
            marked = await api.delete(PODS, "web", "default")
            metadata = marked["metadata"]
            assert metadata["deletionGracePeriodSeconds"] == 40
            assert metadata["generation"] == made["metadata"]["generation"] + 1
            assert not await is_gone(api, "web")
            again = await api.delete(PODS, "web", "default", grace=100)
            assert again == marked  # a deletion is never prolonged
            sooner = await api.delete(PODS, "web", "default", grace=5)
            assert sooner["metadata"]["deletionGracePeriodSeconds"] == 5
            times = [parse_time(o["metadata"]["deletionTimestamp"]) for o in (marked, sooner)]
            assert times[0] - times[1] == 35
            await api.delete(PODS, "web", "default", grace=0, uid=made["metadata"]["uid"])
            assert await is_gone(api, "web")

    run(main())


def test_a_mark_cannot_be_taken_off(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api = client(server)
            await running_pod(api, "web")
            marked = await api.delete(PODS, "web", "default")
            change = {"metadata": {"deletionTimestamp": None, "deletionGracePeriodSeconds": 99}}
            assert await api.patch(PODS, "web", change, "default") == marked

    run(main())


@pytest.mark.parametrize(
    ("state", "wanted", "grace"),
    [
        ({}, None, 0),
        ({"spec": {"nodeName": "n"}}, None, 30),
        ({"spec": {"nodeName": "n", "terminationGracePeriodSeconds": 7}}, None, 7),
        ({"spec": {"nodeName": "n", "terminationGracePeriodSeconds": 7}}, 3, 3),
        ({"spec": {"nodeName": "n"}}, -5, 1),
        ({"spec": {"nodeName": "n"}, "status": {"phase": "Succeeded"}}, 20, 0),
        ({"spec": {"nodeName": "n"}, "status": {"phase": "Failed"}}, None, 0),
    ],
)
def test_how_much_grace_a_pod_gets(state: Obj, wanted: int | None, grace: int) -> None:
    obj = {"metadata": {"name": "web"}, **state}
    marked = marked_for_deletion(PODS, obj, DeleteOptions(grace=wanted))
    assert marked["metadata"]["deletionGracePeriodSeconds"] == grace


def test_preconditions_guard_a_successor_of_the_same_name(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api, wire = client(server), transport(server)
            made = await api.create(PODS, pod("web"))
            await refused(
                api.delete(PODS, "web", "default", uid="another"),
                409,
                "Conflict",
                f"UID in precondition: another, UID in object meta: {made['metadata']['uid']}",
            )
            body = {"preconditions": {"resourceVersion": "1"}}
            path = "/api/v1/namespaces/default/pods/web"
            await refused(wire.request("DELETE", path, body=body), 409, "Conflict")
            assert not await is_gone(api, "web")

    run(main())


def test_finalizers_hold_an_object_until_the_last_is_taken_away(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api = client(server)
            held = config_map("held")
            held["metadata"]["finalizers"] = ["example.com/a", "example.com/b"]
            await api.create(CONFIGMAPS, held)
            marked = await api.delete(CONFIGMAPS, "held", "default")
            assert marked["metadata"]["deletionGracePeriodSeconds"] == 0

            async def leave(*finalizers: str) -> Obj:
                change = {"metadata": {"finalizers": list(finalizers)}}
                return await api.patch(CONFIGMAPS, "held", change, "default")

            await refused(
                leave("example.com/a", "example.com/new"),
                422,
                "Invalid",
                "no new finalizers can be added if the object is being deleted",
            )
            await leave("example.com/b")
            assert len((await api.list(CONFIGMAPS, "default")).items) == 1
            gone = await leave()
            assert gone["metadata"]["name"] == "held"
            assert (await api.list(CONFIGMAPS, "default")).items == []

    run(main())


def test_propagation_policies_are_finalizers_for_the_garbage_collector(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api = client(server)
            for policy, finalizer in (("Foreground", "foregroundDeletion"), ("Orphan", "orphan")):
                await api.create(DEPLOYMENTS, deployment(policy.lower()))
                marked = await api.delete(
                    DEPLOYMENTS, policy.lower(), "default", propagation=policy
                )
                assert marked["metadata"]["finalizers"] == [finalizer]
            gone = await api.delete(DEPLOYMENTS, "foreground", "default", propagation="Background")
            assert gone["status"] == "Success"
            await api.create(DEPLOYMENTS, deployment("plain"))
            gone = await api.delete(DEPLOYMENTS, "plain", "default")
            assert gone["details"]["kind"] == "deployments"
            assert gone["details"]["group"] == "apps"

    run(main())


def test_a_namespace_goes_when_its_controller_says_that_it_is_empty(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api = client(server)
            await api.create(NAMESPACES, {"metadata": {"name": "team"}})
            await api.create(CONFIGMAPS, config_map("a", "team"))
            marked = await api.delete(NAMESPACES, "team")
            assert marked["status"]["phase"] == "Terminating"
            error = await refused(
                api.create(CONFIGMAPS, config_map("b", "team")),
                403,
                "Forbidden",
                "unable to create new content in namespace team because it is being terminated",
            )
            assert error.status["details"]["causes"][0]["reason"] == "NamespaceTerminating"
            await api.delete(CONFIGMAPS, "a", "team")
            await api.replace(NAMESPACES, {**marked, "spec": {}}, "finalize")
            assert "team" not in {n["metadata"]["name"] for n in (await api.list(NAMESPACES)).items}

    run(main())


def test_what_holds_the_cluster_together_cannot_be_deleted(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            await refused(
                client(server).delete(NAMESPACES, "kube-system"),
                403,
                "Forbidden",
                'namespaces "kube-system" is forbidden: this namespace may not be deleted',
            )

    run(main())


def test_a_collection_is_deleted_by_selector(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api, wire = client(server), transport(server)
            for name in ("a", "b", "c"):
                await api.create(PODS, pod(name))
            answer = await wire.request(
                "DELETE", "/api/v1/namespaces/default/pods", query={"labelSelector": "app!=b"}
            )
            assert [one["metadata"]["name"] for one in answer["items"]] == ["a", "c"]
            assert [p["metadata"]["name"] for p in (await api.list(PODS)).items] == ["b"]

    run(main())
