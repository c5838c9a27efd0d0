"""Watches through the whole chain: what they begin with, what they tell, how they end."""

from contextlib import aclosing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labctl.api.kinds.core import CONFIGMAPS, NODES, PODS
from labctl.api.objects import Obj, name
from labctl.client.client import Client
from tests.apiserver.serving import (
    client,
    config_map,
    first,
    make_pods,
    node,
    pod,
    refused,
    run,
    serving,
    transport,
)

_PODS = "/api/v1/namespaces/default/pods"


def test_a_watch_continues_a_list(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api = client(server)
            await make_pods(api, 2)
            listed = await api.list(PODS)
            await api.create(PODS, pod("x"))
            await api.bind("default", "x", "node1")
            await api.delete(PODS, "x", "default", grace=0)
            watch = api.watch(PODS, resource_version=listed.resource_version)
            async with aclosing(watch) as events:
                seen = await first(events, 3)
            assert [event.type for event in seen] == ["ADDED", "MODIFIED", "DELETED"]
            versions = [int(event.object["metadata"]["resourceVersion"]) for event in seen]
            assert versions == sorted(set(versions))

    run(main())


def test_a_watch_without_a_revision_begins_with_what_is_there(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api = client(server)
            await make_pods(api, 3)
            for version in ("", "0"):
                async with aclosing(api.watch(PODS, resource_version=version)) as events:
                    seen = await first(events, 3)
                    await api.create(PODS, pod(f"later{version}"))
                    seen += await first(events, 1)
                assert {event.type for event in seen} == {"ADDED"}
                assert name(seen[3].object) == f"later{version}"
                await api.delete(PODS, f"later{version}", "default")

    run(main())


def test_a_watch_of_one_name_or_label_sees_only_that(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api = client(server)
            await api.create(CONFIGMAPS, config_map("other"))
            watch = api.watch(
                CONFIGMAPS,
                "default",
                fields="metadata.name=settings",
                labels="live",
                resource_version=str(server.cache.revision),
            )
            async with aclosing(watch) as events:
                await api.create(CONFIGMAPS, config_map("settings"))
                for labels in ({"live": "yes"}, {"live": None}, {"live": "again"}):
                    change = {"metadata": {"labels": labels}}
                    await api.patch(CONFIGMAPS, "settings", change, "default")
                seen = await first(events, 3)
            assert [event.type for event in seen] == ["ADDED", "DELETED", "ADDED"]

    run(main())


def test_a_watch_list_ends_its_beginning_with_a_marked_bookmark(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            await make_pods(client(server), 2)
            query = {
                "sendInitialEvents": "true",
                "resourceVersionMatch": "NotOlderThan",
                "allowWatchBookmarks": "true",
                "timeoutSeconds": "1",
            }
            events = [event async for event in transport(server).stream(_PODS, query)]
            assert [event["type"] for event in events[:3]] == ["ADDED", "ADDED", "BOOKMARK"]
            bookmark = events[2]["object"]["metadata"]
            assert bookmark["annotations"] == {"k8s.io/initial-events-end": "true"}
            assert bookmark["resourceVersion"] == str(server.cache.revision)
            await refused(
                anext(transport(server).stream(_PODS, {"sendInitialEvents": "true"})),
                422,
                "Invalid",
            )

    run(main())


def test_a_watch_ends_in_time_with_a_bookmark(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            await make_pods(client(server), 1)
            version = str(server.cache.revision)
            await client(server).create(NODES, node("node1"))
            query = {
                "resourceVersion": version,
                "timeoutSeconds": "1",
                "allowWatchBookmarks": "true",
            }
            events = [event async for event in transport(server).stream(_PODS, query)]
            assert [event["type"] for event in events] == ["BOOKMARK"]
            metadata = events[0]["object"]["metadata"]
            assert metadata["resourceVersion"] == str(int(version) + 1)

    run(main())


def test_watching_from_a_forgotten_revision_is_told_in_the_stream(tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            await make_pods(client(server), 5)
        async with serving(tmp_path) as server:
            await server.backend.store.compact(server.cache.revision)
        async with serving(tmp_path) as server:
            query = {"resourceVersion": "3"}
            (event,) = [event async for event in transport(server).stream(_PODS, query)]
            assert event["type"] == "ERROR"
            assert (event["object"]["code"], event["object"]["reason"]) == (410, "Expired")

    run(main())


@settings(max_examples=15, deadline=None)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from("abc"), st.sampled_from(["red", "blue", None])), max_size=25
    ),
    data=st.data(),
)
def test_a_watch_replayed_from_any_revision_equals_the_list(
    tmp_path_factory: pytest.TempPathFactory,
    steps: list[tuple[str, str | None]],
    data: st.DataObject,
) -> None:
    async def main() -> None:
        async with serving(tmp_path_factory.mktemp("replay")) as server:
            api = client(server)
            versions = [server.cache.revision]
            states: dict[int, dict[str, Obj]] = {versions[0]: {}}
            for name_, colour in steps:
                await write(api, name_, colour)
                await server.cache.fresh()
                versions.append(server.cache.revision)
                states[versions[-1]] = await blue(api)
            begin = data.draw(st.sampled_from(versions))
            watch = api.watch(CONFIGMAPS, labels="colour=blue", resource_version=str(begin))
            await api.create(CONFIGMAPS, coloured("end", "blue"))
            state = dict(states[begin])
            async with aclosing(watch) as events:
                async for event in events:
                    if name(event.object) == "end":
                        break
                    assert (event.type == "ADDED") == (name(event.object) not in state)
                    state[name(event.object)] = event.object
                    if event.type == "DELETED":
                        del state[name(event.object)]
            assert state == states[versions[-1]]

    run(main())


def coloured(name_: str, colour: str) -> Obj:
    obj = config_map(name_)
    return {**obj, "metadata": {**obj["metadata"], "labels": {"colour": colour}}}


async def blue(api: Client) -> dict[str, Obj]:
    return {name(o): o for o in (await api.list(CONFIGMAPS, labels="colour=blue")).items}


async def write(api: Client, name_: str, colour: str | None) -> None:
    """Sets the colour of an object, made if need be; None deletes it."""
    present = {name(one) for one in (await api.list(CONFIGMAPS, "default")).items}
    if colour is None:
        if name_ in present:
            await api.delete(CONFIGMAPS, name_, "default")
    elif name_ in present:
        await api.replace(CONFIGMAPS, coloured(name_, colour))
    else:
        await api.create(CONFIGMAPS, coloured(name_, colour))
