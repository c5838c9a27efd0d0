"""The API over real sockets: certificates, framing, limits, and clients that behave badly."""

import asyncio
import json
import ssl
from contextlib import aclosing
from pathlib import Path

import aiohttp
import pytest

from labctl.api.kinds.core import CONFIGMAPS, NODES, PODS
from labctl.client.client import Client
from labctl.client.http import HttpTransport
from labctl.errors import StatusError
from labctl.pki import ensure_authority, ensure_certificate
from tests.apiserver.https import listening, speak_old_tls
from tests.apiserver.serving import config_map, first, node, pod, refused, run


def test_a_certificate_says_who_is_asking(tmp_path: Path) -> None:
    async def main() -> None:
        async with listening(tmp_path) as site:
            admin, kubelet = Client(site.transport()), Client(site.transport("node-node1"))
            await kubelet.create(NODES, node("node1"))
            await refused(
                kubelet.create(CONFIGMAPS, config_map("a")),
                403,
                "Forbidden",
                'User "system:node:node1" cannot create resource "configmaps"',
            )
            made = await admin.create(PODS, pod("web"))
            assert await admin.get(PODS, "web", "default") == made
            async with site.session(user=None) as session:
                answer = await session.get("/api/v1/pods")
                assert answer.status == 403
                assert "system:anonymous" in (await answer.json())["message"]
            for one in (admin, kubelet):
                await one.transport.close()

    run(main())


def test_a_certificate_of_another_lab_is_not_let_in(tmp_path: Path) -> None:
    async def main() -> None:
        foreign = tmp_path / "foreign"
        ensure_authority(foreign)
        ensure_certificate(foreign, "admin", "kubernetes-admin", ("system:masters",))
        async with listening(tmp_path) as site:
            transport = HttpTransport.tls(
                site.url, site.pki / "ca.crt", foreign / "admin.crt", foreign / "admin.key"
            )
            with pytest.raises(StatusError, match="cannot reach the API server"):
                await transport.request("GET", "/api/v1/pods")
            await transport.close()

    run(main())


def test_tls_below_1_2_and_plain_text_are_refused(tmp_path: Path) -> None:
    async def main() -> None:
        async with listening(tmp_path) as site:
            reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert await reader.read() == b""
            writer.close()
            old = site.context()
            speak_old_tls(old)
            with pytest.raises((ssl.SSLError, ConnectionError)):  # hung up on
                await asyncio.open_connection("127.0.0.1", site.port, ssl=old)

    run(main())


def test_root_needs_no_certificate_on_the_unix_socket(tmp_path: Path) -> None:
    async def main() -> None:
        async with listening(tmp_path) as site:
            transport = HttpTransport.unix(site.unix)
            await Client(transport).create(PODS, pod("web"))
            await transport.close()

    run(main())


def test_bodies_are_stored_objects_byte_by_byte_equal_in_meaning(tmp_path: Path) -> None:
    async def main() -> None:
        async with listening(tmp_path) as site, site.session() as session:
            made = []
            for name in ("a", "b"):
                answer = await session.post("/api/v1/namespaces/default/pods", json=pod(name))
                assert answer.status == 201
                made.append(await answer.json())
            listed = await (await session.get("/api/v1/pods")).json()
            assert listed["kind"] == "PodList"
            for item in listed["items"]:
                path = f"/api/v1/namespaces/default/pods/{item['metadata']['name']}"
                answer = await session.get(path)
                assert answer.headers["Content-Type"] == "application/json"
                assert await answer.json() == item
            assert listed["items"] == made

    run(main())


def test_a_watch_sends_its_head_at_once_and_a_line_per_event(tmp_path: Path) -> None:
    async def main() -> None:
        async with listening(tmp_path) as site, site.session() as session:
            query = {"watch": "1", "timeoutSeconds": "60"}
            answer = await session.get("/api/v1/namespaces/default/configmaps", params=query)
            assert answer.status == 200
            api = Client(site.transport())
            await api.create(CONFIGMAPS, config_map("a"))
            await api.delete(CONFIGMAPS, "a", "default")
            lines = [json.loads(await answer.content.readline()) for _ in range(2)]
            assert [line["type"] for line in lines] == ["ADDED", "DELETED"]
            answer.close()
            await api.transport.close()

    run(main())


def test_two_hundred_watchers_see_the_same(tmp_path: Path) -> None:
    async def main() -> None:
        async with listening(tmp_path) as site:
            api = Client(site.transport())
            version = str(site.server.cache.revision)

            async def names() -> list[str]:
                watch = api.watch(CONFIGMAPS, resource_version=version)
                async with aclosing(watch) as events:
                    return [event.object["metadata"]["name"] for event in await first(events, 20)]

            watchers = [asyncio.create_task(names()) for _ in range(200)]
            for number in range(20):
                await api.create(CONFIGMAPS, config_map(f"c{number}"))
            seen = await asyncio.gather(*watchers)
            assert all(one == [f"c{number}" for number in range(20)] for one in seen)
            await api.transport.close()

    run(main())


def test_the_end_of_the_server_ends_its_watches(tmp_path: Path) -> None:
    async def main() -> None:
        async with listening(tmp_path) as site:
            session = aiohttp.ClientSession(
                site.url, connector=aiohttp.TCPConnector(ssl=site.context())
            )
            answer = await session.get("/api/v1/pods", params={"watch": "true"})
        assert await answer.read() == b""
        await session.close()

    run(main(), seconds=10)


def test_health_version_and_discovery(tmp_path: Path) -> None:
    async def main() -> None:
        async with listening(tmp_path) as site:
            async with site.session(user=None) as session:
                for path in ("/healthz", "/livez", "/readyz"):
                    assert await (await session.get(path)).text() == "ok"
                version = await (await session.get("/version/")).json()
                assert version["gitVersion"].startswith("v1.33.")
                assert (await session.get("/apis")).status == 403
            async with site.session() as session:
                groups = await (await session.get("/apis")).json()
                assert "apps" in {group["name"] for group in groups["groups"]}
                assert (await (await session.get("/api")).json())["versions"] == ["v1"]
                core = await (await session.get("/api/v1")).json()
                pods = next(one for one in core["resources"] if one["name"] == "pods")
                assert (pods["shortNames"], pods["categories"]) == (["po"], ["all"])
                apps = await (await session.get("/apis/apps/v1")).json()
                scale = next(r for r in apps["resources"] if r["name"] == "deployments/scale")
                assert (scale["group"], scale["version"], scale["kind"]) == (
                    "autoscaling",
                    "v1",
                    "Scale",
                )
                for path in ("/apis/nope", "/apis/apps/v9", "/nope", "/"):
                    answer = await session.get(path)
                    assert answer.status == 404
                    body = await answer.json()
                    assert body["message"] == "the server could not find the requested resource"

    run(main())


def test_unknown_fields_are_warned_of_or_refused(tmp_path: Path) -> None:
    async def main() -> None:
        async with listening(tmp_path) as site, site.session() as session:
            wrong = pod("web")
            wrong["spec"]["containers"][0]["imagee"] = "x"
            path = "/api/v1/namespaces/default/pods"
            strict = await session.post(path, params={"fieldValidation": "Strict"}, json=wrong)
            assert strict.status == 400
            assert (await strict.json())["message"] == (
                'Pod in version "v1" cannot be handled as a Pod: strict decoding error: '
                'unknown field "spec.containers[0].imagee"'
            )
            warned = await session.post(path, params={"fieldValidation": "Warn"}, json=wrong)
            assert warned.status == 201
            assert warned.headers["Warning"] == (
                '299 - "unknown field \\"spec.containers[0].imagee\\""'
            )

    run(main())


def test_a_client_that_asks_first_is_told_to_go_on(tmp_path: Path) -> None:
    async def main() -> None:
        async with listening(tmp_path) as site, site.session() as session:
            answer = await session.post(
                "/api/v1/namespaces/default/pods", json=pod("web"), expect100=True
            )
            assert answer.status == 201

    run(main())


def test_no_name_of_a_field_can_break_an_answer(tmp_path: Path) -> None:
    async def main() -> None:
        async with listening(tmp_path) as site, site.session() as session:
            for number, field in enumerate(('a"b', "a\r\nSet-Cookie: x", "ä\x00", "x" * 5000)):
                odd = {"metadata": {"name": f"odd{number}"}, field: 1}
                answer = await session.post("/api/v1/namespaces/default/configmaps", json=odd)
                assert answer.status == 201
                assert "Set-Cookie" not in answer.headers
                assert answer.headers["Warning"].startswith('299 - "unknown field ')
            many = {"metadata": {"name": "many"}, **{f"f{n}": 1 for n in range(5000)}}
            answer = await session.post("/api/v1/namespaces/default/configmaps", json=many)
            assert len(answer.headers.getall("Warning")) == 32

    run(main())


def test_a_client_that_never_reads_delays_nobody(tmp_path: Path) -> None:
    async def main() -> None:
        async with listening(tmp_path) as site:
            api = Client(site.transport())
            _, stuck = await asyncio.open_connection(
                "127.0.0.1", site.port, ssl=site.context(), limit=1024
            )
            stuck.write(b"GET /api/v1/configmaps?watch=1 HTTP/1.1\r\nHost: lab\r\n\r\n")
            await stuck.drain()
            version = str(site.server.cache.revision)
            watch = api.watch(CONFIGMAPS, resource_version=version)
            async with aclosing(watch) as events:
                for number in range(150):
                    await api.create(CONFIGMAPS, config_map(f"c{number}", text="x" * 200_000))
                    (event,) = await first(events, 1)
                    assert event.object["metadata"]["name"] == f"c{number}"
            stuck.transport.abort()
            await api.transport.close()

    run(main())


def test_kinds_that_nothing_acts_on_come_with_a_warning(tmp_path: Path) -> None:
    async def main() -> None:
        async with listening(tmp_path) as site, site.session() as session:
            answer = await session.post(
                "/apis/storage.k8s.io/v1/csidrivers", json={"metadata": {"name": "d"}, "spec": {}}
            )
            assert answer.status == 201
            assert "nothing in the lab acts on them yet" in answer.headers["Warning"]

    run(main())
