"""The API server on every engine: its promises to clients, crashes, and what an outage looks like."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import pytest

from labctl.api.kinds.core import CONFIGMAPS, EVENTS, NAMESPACES, PODS
from labctl.api.objects import Obj, name
from labctl.apiserver.server import ApiServer
from labctl.client.client import Client
from labctl.errors import StatusError
from tests.apiserver.serving import (
    client,
    config_map,
    first,
    make_pods,
    pod,
    refused,
    run,
    serving_store,
    transport,
)
from tests.store.engines import Engine, open_etcd
from tests.store.etcd_process import EtcdProcess, running_etcd

_PODS = "/api/v1/namespaces/default/pods"
_CONFIGMAPS = "/api/v1/namespaces/default/configmaps"


@asynccontextmanager
async def serving(engine: Engine, directory: Path) -> AsyncIterator[ApiServer]:
    async with serving_store(await engine.open(directory)) as server:
        yield server


def revision(obj: Obj) -> int:
    return int(obj["metadata"]["resourceVersion"])


def test_a_client_reads_its_own_writes(engine: Engine, tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(engine, tmp_path) as server:
            api = client(server)

            async def write_and_read(number: int) -> None:
                at = f"c{number}"
                made = await api.create(CONFIGMAPS, config_map(at))
                assert await api.get(CONFIGMAPS, at, "default") == made
                changed = await api.patch(CONFIGMAPS, at, {"data": {"a": "b"}}, "default")
                listed = await api.list(CONFIGMAPS, "default")
                assert int(listed.resource_version) >= revision(changed)
                assert {name(one): one for one in listed.items}[at] == changed
                await api.delete(CONFIGMAPS, at, "default")
                await refused(api.get(CONFIGMAPS, at, "default"), 404, "NotFound")

            await asyncio.gather(*(write_and_read(number) for number in range(30)))

    run(main())


def test_pages_are_of_one_revision_while_pods_come_and_go(engine: Engine, tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(engine, tmp_path) as server:
            api, wire = client(server), transport(server)
            await make_pods(api, 25)
            page = await wire.request("GET", _PODS, query={"limit": "10"})
            seen, versions = list(map(name, page["items"])), {page["metadata"]["resourceVersion"]}
            while token := page["metadata"].get("continue"):
                await api.delete(PODS, seen[-1], "default", grace=0)
                await api.create(PODS, pod(f"{seen[-1]}-later"))
                page = await wire.request("GET", _PODS, query={"limit": "10", "continue": token})
                seen += map(name, page["items"])
                versions.add(page["metadata"]["resourceVersion"])
            assert seen == [f"p{number:03}" for number in range(25)]
            assert len(versions) == 1

    run(main())


def test_a_page_that_was_compacted_away_is_gone(engine: Engine, tmp_path: Path) -> None:
    async def main() -> None:
        store = await engine.open(tmp_path)
        async with serving_store(store) as server:
            await make_pods(client(server), 5)
            wire = transport(server)
            page = await wire.request("GET", _PODS, query={"limit": "2"})
            last = await client(server).create(PODS, pod("last"))
            await store.compact(revision(last))
            query = {"limit": "2", "continue": page["metadata"]["continue"]}
            await refused(wire.request("GET", _PODS, query=query), 410, "Expired")

    run(main())


def test_a_watch_goes_on_with_the_next_server(engine: Engine, tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(engine, tmp_path) as server:
            api = client(server)
            made = await api.create(CONFIGMAPS, config_map("a"))
            await api.create(CONFIGMAPS, config_map("b"))
            await api.delete(CONFIGMAPS, "b", "default")
        async with serving(engine, tmp_path) as server:
            api = client(server)
            since = made["metadata"]["resourceVersion"]
            async with aclosing(api.watch(CONFIGMAPS, resource_version=since)) as events:
                seen = await first(events, 2)
            assert [(kind, name(obj)) for kind, obj in seen] == [("ADDED", "b"), ("DELETED", "b")]

    run(main())


def test_events_are_written_again_and_again(engine: Engine, tmp_path: Path) -> None:
    async def main() -> None:
        async with serving(engine, tmp_path) as server:
            api = client(server)
            event: Obj = {
                "metadata": {"name": "e", "namespace": "default"},
                "involvedObject": {"kind": "Pod", "namespace": "default", "name": "p"},
                "reason": "Started",
                "count": 1,
            }
            await api.create(EVENTS, event)
            for count in range(2, 5):
                await api.patch(EVENTS, "e", {"count": count}, "default")
            assert (await api.get(EVENTS, "e", "default"))["count"] == 4

    run(main())


def test_acknowledged_writes_survive_the_death_of_the_server(
    engine: Engine, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "tests.apiserver.writer", str(tmp_path), *engine.words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        told = [writer.stdout.readline() for _ in range(300)]
        os.kill(writer.pid, signal.SIGKILL)
        told += writer.stdout.read().splitlines(keepends=True)
    acknowledged = dict(line.split() for line in told if line.endswith("\n"))

    async def main() -> None:
        async with serving(engine, tmp_path) as server:
            found = (await client(server).list(CONFIGMAPS, "default")).items
            versions = {name(one): one["metadata"]["resourceVersion"] for one in found}
            assert len(acknowledged) >= 300
            assert acknowledged.items() <= versions.items()
            assert server.cache.revision >= max(map(int, versions.values()))

    run(main())


# Two servers on one etcd


def test_two_servers_agree(etcd: EtcdProcess, tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            serving_store(await open_etcd(etcd.cluster, tmp_path)) as one,
            serving_store(await open_etcd(etcd.cluster, tmp_path)) as two,
        ):
            first_api, second_api = client(one), client(two)
            await first_api.create(NAMESPACES, {"metadata": {"name": "new"}})
            await second_api.create(CONFIGMAPS, config_map("other", "new"))
            made = await first_api.create(CONFIGMAPS, config_map("counter", n="0"))
            assert await second_api.get(CONFIGMAPS, "counter", "default") == made
            since = str(revision(made) - 1)
            await asyncio.gather(*(_increment(api) for api in (first_api, second_api) * 20))
            counter = await second_api.get(CONFIGMAPS, "counter", "default")
            assert counter["data"] == {"n": "40"}
            seen = [await _values(api, since, 41) for api in (first_api, second_api)]
            assert seen[0] == seen[1]
            assert [value for value, _ in seen[0]] == [str(n) for n in range(41)]
            error = await refused(
                second_api.create(CONFIGMAPS, config_map("counter")), 409, "AlreadyExists"
            )
            assert error.message == 'configmaps "counter" already exists'

    run(main())


async def _increment(api: Client) -> None:
    while True:
        found = await api.get(CONFIGMAPS, "counter", "default")
        changed = {**found, "data": {"n": str(int(found["data"]["n"]) + 1)}}
        try:
            await api.replace(CONFIGMAPS, changed)
        except StatusError as error:
            if error.reason != "Conflict":
                raise
        else:
            return


async def _values(api: Client, since: str, count: int) -> list[tuple[str, int]]:
    async with aclosing(api.watch(CONFIGMAPS, resource_version=since)) as events:
        return [(e.object["data"]["n"], revision(e.object)) for e in await first(events, count)]


def test_a_server_follows_one_in_another_process(etcd: EtcdProcess, tmp_path: Path) -> None:
    async def main() -> None:
        async with serving_store(await open_etcd(etcd.cluster, tmp_path)) as server:
            api = client(server)
            since = (await api.list(CONFIGMAPS)).resource_version
            words = ["-m", "tests.apiserver.writer", str(tmp_path), "etcd", *etcd.cluster.endpoints]
            writer = await asyncio.create_subprocess_exec(
                sys.executable, *words, stdout=asyncio.subprocess.PIPE
            )
            assert writer.stdout is not None
            told = [(await writer.stdout.readline()).decode().split() for _ in range(200)]
            listed = (await api.list(CONFIGMAPS)).items
            assert {one["metadata"]["name"] for one in listed} >= {at for at, _ in told}
            writer.kill()
            await writer.communicate()
            async with aclosing(api.watch(CONFIGMAPS, resource_version=since)) as events:
                seen = await first(events, 200)
            versions = [revision(event.object) for event in seen]
            assert versions == sorted(versions)
            assert {(at, int(version)) for at, version in told[:50]} <= {
                (name(event.object), revision(event.object)) for event in seen
            }

    run(main())


# An etcd that is lost


@pytest.fixture
def own(tmp_path: Path) -> Iterator[EtcdProcess]:
    """An etcd to be hurt."""
    with running_etcd(tmp_path) as process:
        yield process


def test_what_clients_are_told_while_etcd_stands_still(own: EtcdProcess, tmp_path: Path) -> None:
    async def main() -> None:
        store = await open_etcd(own.cluster, tmp_path, patience=1.0)
        async with serving_store(store) as server:
            api, wire = client(server), transport(server)
            await api.create(CONFIGMAPS, config_map("a"))
            async with aclosing(api.watch(CONFIGMAPS)) as events:
                await first(events, 1)
                own.freeze()
                unknown = api.create(CONFIGMAPS, config_map("unknown"))
                error = await refused(unknown, 504, "Timeout", "may have been made, or not")
                assert "retryAfterSeconds" not in error.status.get("details", {})
                lost = api.create(CONFIGMAPS, config_map("lost"))
                await refused(lost, 503, "ServiceUnavailable", "cannot be written")
                newest = api.get(CONFIGMAPS, "a", "default")
                await refused(newest, 503, "ServiceUnavailable", "cannot be read")
                assert not await _answers(server)
                cached = await wire.request("GET", _CONFIGMAPS, query={"resourceVersion": "0"})
                assert [name(one) for one in cached["items"]] == ["a"]

                own.thaw()
                await _until_ready(server)
                made = await api.create(CONFIGMAPS, config_map("after"))
                while True:
                    event = await anext(events)
                    if event.object == made:
                        break
                    assert name(event.object) == "unknown"
            names = {name(one) for one in (await api.list(CONFIGMAPS)).items}
            assert {"a", "after"} <= names <= {"a", "after", "unknown"}

    run(main())


async def _answers(server: ApiServer) -> bool:
    """What /livez and /readyz say of the store."""
    return await server.checks("readyz")["etcd"]()


async def _until_ready(server: ApiServer) -> None:
    while not await _answers(server):
        pass


def test_clients_watch_on_when_etcd_was_killed(own: EtcdProcess, tmp_path: Path) -> None:
    async def main() -> None:
        store = await open_etcd(own.cluster, tmp_path, patience=2.0)
        async with serving_store(store) as server:
            api = client(server)
            async with aclosing(api.watch(CONFIGMAPS)) as events:
                for number in range(3):
                    await api.create(CONFIGMAPS, config_map(f"before{number}"))
                    own.kill()
                    own.start()
                    await _until_ready(server)
                    await api.create(CONFIGMAPS, config_map(f"after{number}"))
                seen = [name(event.object) for event in await first(events, 6)]
            assert seen == [f"{word}{n}" for n in range(3) for word in ("before", "after")]

    run(main())


def test_an_object_that_etcd_does_not_take_is_too_large(etcd: EtcdProcess, tmp_path: Path) -> None:
    async def main() -> None:
        async with serving_store(await open_etcd(etcd.cluster, tmp_path)) as server:
            api = client(server)
            container = {"name": "main", "image": "nginx", "args": ["x" * 1_700_000]}
            large = pod("large", containers=[container])
            too_large = ("RequestEntityTooLarge", "etcdserver: request is too large")
            await refused(api.create(PODS, large), 413, *too_large)
            await refused(api.get(PODS, "large", "default"), 404, "NotFound")

    run(main())
