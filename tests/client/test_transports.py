"""The same verbs over every way to the API server: in process, Unix socket, TLS."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from labctl.api.kinds.core import CONFIGMAPS, PODS
from labctl.client.client import Client
from labctl.client.http import HttpTransport
from labctl.errors import StatusError
from tests.client.serving import Serving, configmap, serving

_WAYS = ("local", "unix", "tls")


@contextlib.asynccontextmanager
async def _client(api: Serving, way: str) -> AsyncIterator[Client]:
    if way == "local":
        yield api.client
        return
    if way == "unix":
        listener = await api.listen_unix()
        transport = HttpTransport.unix(api.socket_path)
    else:
        listener, url = await api.listen_tls()
        transport = api.tls_transport(url)
    try:
        yield Client(transport)
    finally:
        await transport.close()
        await listener.close()


@pytest.mark.parametrize("way", _WAYS)
def test_all_verbs_work(tmp_path: Path, way: str) -> None:
    async def scenario() -> None:
        async with serving(tmp_path) as api, _client(api, way) as client:
            made = await client.create(CONFIGMAPS, configmap("one", a="1"))
            assert await client.get(CONFIGMAPS, "one", "default") == made
            changed = await client.replace(CONFIGMAPS, {**made, "data": {"a": "2"}})
            patched = await client.patch(CONFIGMAPS, "one", {"data": {"b": "3"}}, "default")
            assert patched["data"] == {"a": "2", "b": "3"}
            assert changed["metadata"]["uid"] == made["metadata"]["uid"]
            json_patch = [{"op": "remove", "path": "/data/a"}]
            patched = await client.patch(CONFIGMAPS, "one", json_patch, "default", type="json")
            assert patched["data"] == {"b": "3"}
            found = await client.list(CONFIGMAPS, "default", labels="app=one")
            assert [one["metadata"]["name"] for one in found.items] == ["one"]
            assert (await client.list(CONFIGMAPS, "default", labels="app in (x, y)")).items == []
            with pytest.raises(StatusError) as caught:
                await client.delete(CONFIGMAPS, "one", "default", uid="another")
            assert caught.value.reason == "Conflict"
            await client.delete(CONFIGMAPS, "one", "default", uid=made["metadata"]["uid"])
            with pytest.raises(StatusError) as caught:
                await client.get(CONFIGMAPS, "one", "default")
            assert (caught.value.code, caught.value.reason) == (404, "NotFound")

    asyncio.run(scenario())


@pytest.mark.parametrize("way", _WAYS)
def test_a_watch_continues_a_list_without_a_gap(tmp_path: Path, way: str) -> None:
    async def scenario() -> None:
        async with serving(tmp_path) as api, _client(api, way) as client:
            await client.create(CONFIGMAPS, configmap("before"))
            listed = await client.list(CONFIGMAPS, "default")
            for number in range(50):
                await client.create(CONFIGMAPS, configmap(f"cm{number:02}"))
            await client.delete(CONFIGMAPS, "cm00", "default")
            events = client.watch(CONFIGMAPS, "default", resource_version=listed.resource_version)
            seen = []
            async with contextlib.aclosing(events), asyncio.timeout(10):
                async for event in events:
                    seen.append((event.type, event.object["metadata"]["name"]))
                    if event.type == "DELETED":
                        break
            wanted = [("ADDED", f"cm{number:02}") for number in range(50)]
            assert seen == [*wanted, ("DELETED", "cm00")]

    asyncio.run(scenario())


@pytest.mark.parametrize("way", _WAYS)
def test_a_failed_watch_is_raised(tmp_path: Path, way: str) -> None:
    async def scenario() -> None:
        async with serving(tmp_path) as api, _client(api, way) as client:
            events = client.watch(CONFIGMAPS, "default", labels="this is (no selector")
            with pytest.raises(StatusError) as caught:
                await anext(events)
            assert caught.value.code == 400

    asyncio.run(scenario())


def test_many_requests_share_few_connections(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with serving(tmp_path) as api, _client(api, "tls") as client:
            names = [f"cm{number}" for number in range(100)]
            await asyncio.gather(*(client.create(CONFIGMAPS, configmap(one)) for one in names))
            found = await client.list(CONFIGMAPS, "default")
            assert {one["metadata"]["name"] for one in found.items} >= set(names)

    asyncio.run(scenario())


def test_a_certificate_says_who_asks(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with serving(tmp_path) as api:
            listener, url = await api.listen_tls()
            transport = api.tls_transport(url, "nobody")
            with pytest.raises(StatusError) as caught:
                await Client(transport).list(PODS)
            assert caught.value.code == 403
            assert 'User "nobody" cannot list resource "pods"' in caught.value.message
            await transport.close()
            await listener.close()

    asyncio.run(scenario())


def test_a_server_that_is_not_there_is_an_error_that_names_it(tmp_path: Path) -> None:
    async def scenario() -> None:
        transport = HttpTransport.unix(tmp_path / "no.sock")
        with pytest.raises(StatusError) as caught:
            await Client(transport).list(PODS)
        assert (caught.value.code, caught.value.reason) == (503, "ServiceUnavailable")
        assert str(tmp_path / "no.sock") in caught.value.message
        await transport.close()

    asyncio.run(scenario())


def test_a_table_is_made_by_the_server(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with serving(tmp_path) as api, _client(api, "unix") as client:
            await client.create(CONFIGMAPS, configmap("one", a="1"))
            table = await client.table(CONFIGMAPS, "default", labels="app=one")
            assert table["kind"] == "Table"
            assert [row["cells"][0] for row in table["rows"]] == ["one"]

    asyncio.run(scenario())
