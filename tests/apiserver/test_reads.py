"""Get, list and watch, with selectors, pages and revisions."""

from contextlib import aclosing
from pathlib import Path

from labctl.api.kinds.core import PODS
from labctl.api.objects import Obj, name
from labctl.client.client import Client
from tests.apiserver.serving import (
    client,
    make_pods,
    pod,
    refused,
    run,
    serving,
    transport,
)

_PODS = "/api/v1/namespaces/default/pods"


def names(answer: Obj) -> list[str]:
    return [name(item) for item in answer["items"]]


def test_lists_are_in_order_and_of_one_revision(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            await make_pods(client(server), 30)
            answer = await transport(server).request("GET", _PODS)
            assert answer["kind"] == "PodList"
            assert names(answer) == sorted(names(answer))
            assert answer["metadata"]["resourceVersion"] == str(server.cache.revision)

    run(main())


def test_within_a_process_objects_are_shared_and_not_copied(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api = client(server)
            await make_pods(api, 1)
            once = await api.get(PODS, "p000", "default")
            assert (await api.get(PODS, "p000", "default")) is once
            assert (await api.list(PODS)).items[0] is once
            async with aclosing(api.watch(PODS)) as events:
                assert (await anext(events)).object is once

    run(main())


def test_lists_are_selected_by_labels_and_fields(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api, wire = client(server), transport(server)
            await make_pods(api, 4)
            await api.bind("default", "p002", "node1")
            for query, expected in (
                ({"labelSelector": "app in (p000, p003)"}, ["p000", "p003"]),
                ({"labelSelector": "app,app!=p000"}, ["p001", "p002", "p003"]),
                ({"fieldSelector": "spec.nodeName=node1"}, ["p002"]),
                ({"fieldSelector": "spec.nodeName!=node1,metadata.name!=p000"}, ["p001", "p003"]),
                ({"fieldSelector": "metadata.name=p001"}, ["p001"]),
                ({"fieldSelector": "metadata.name=p001", "labelSelector": "app=p000"}, []),
                ({"fieldSelector": "metadata.namespace=other"}, []),
            ):
                assert names(await wire.request("GET", _PODS, query=query)) == expected
            assert names(await wire.request("GET", "/api/v1/pods"))[0] == "p000"

    run(main())


def test_pages_are_of_the_revision_of_the_first(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api, wire = client(server), transport(server)
            await make_pods(api, 25)
            page = await wire.request("GET", _PODS, query={"limit": "10"})
            assert page["metadata"]["remainingItemCount"] == 15
            collected, version = names(page), page["metadata"]["resourceVersion"]
            await api.delete(PODS, "p015", "default")
            await api.create(PODS, pod("p0175"))
            while token := page["metadata"].get("continue"):
                page = await wire.request("GET", _PODS, query={"limit": "10", "continue": token})
                assert page["metadata"]["resourceVersion"] == version
                collected += names(page)
            assert collected == [f"p{number:03}" for number in range(25)]

            query = {"limit": "2", "labelSelector": "app in (p001, p011, p021)"}
            page = await wire.request("GET", _PODS, query=query)
            assert "remainingItemCount" not in page["metadata"]
            rest = await wire.request(
                "GET", _PODS, query={**query, "continue": page["metadata"]["continue"]}
            )
            assert names(page) + names(rest) == ["p001", "p011", "p021"]
            assert "continue" not in rest["metadata"]

    run(main())


def test_a_page_of_a_forgotten_revision_is_expired(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            await make_pods(client(server), 5)
            wire = transport(server)
            page = await wire.request("GET", _PODS, query={"limit": "2"})
            await make_pods_again(client(server))
            await server.backend.store.compact(server.cache.revision)
            query = {"limit": "2", "continue": page["metadata"]["continue"]}
            await refused(wire.request("GET", _PODS, query=query), 410, "Expired", "too old")

    async def make_pods_again(api: Client) -> None:
        await api.create(PODS, pod("later"))

    run(main())


def test_a_list_at_exactly_a_revision(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api, wire = client(server), transport(server)
            await make_pods(api, 3)
            then = str(server.cache.revision)
            await api.delete(PODS, "p001", "default")
            query = {"resourceVersion": then, "resourceVersionMatch": "Exact"}
            answer = await wire.request("GET", _PODS, query=query)
            assert names(answer) == ["p000", "p001", "p002"]
            query["resourceVersionMatch"] = "NotOlderThan"
            assert names(await wire.request("GET", _PODS, query=query)) == ["p000", "p002"]

    run(main())
