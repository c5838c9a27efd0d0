"""metrics.k8s.io: figures of nodes and pods, from agents that answer and from those that do not."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

from labctl.api.kinds.core import NODES, PODS
from labctl.api.kinds.metrics import NODEMETRICS, PODMETRICS
from labctl.api.objects import Obj, name
from labctl.apiserver.kubelet.agents import Agents
from labctl.apiserver.server import ApiServer
from labctl.apiserver.tls import agent_client_context
from labctl.client.client import Client
from labctl.names import AGENT_PORT
from labctl.node.server.app import server_tls
from labctl.pki import ensure_certificate
from labctl.store.sqlite import SqliteStore
from tests.apiserver.https import make_pki
from tests.apiserver.serving import client, node, pod, refused, run, serving, transport

_ADDRESS, _SILENT = "127.44.8.1", "127.44.8.2"  # loopback addresses of this test's own
_TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"


def _summary(uid: str, seconds: int) -> Obj:
    def used(nanoseconds: int) -> Obj:
        told = f"2030-01-01T00:00:{seconds:02}Z"
        return {
            "startTime": "2030-01-01T00:00:00Z",
            "cpu": {"time": told, "usageCoreNanoSeconds": nanoseconds},
            "memory": {"time": told, "workingSetBytes": 3 << 20},
        }

    container = {"name": "main", **used(seconds * 250_000_000)}
    kubelet = {"name": "kubelet", **used(seconds * 5_000_000)}
    return {
        "node": {"nodeName": "node1", **used(0), "systemContainers": [kubelet]},
        "pods": [{"podRef": {"uid": uid}, **used(0), "containers": [container]}],
    }


@asynccontextmanager
async def _agent(pki: Path, uid: str, asked: list[str]) -> AsyncIterator[None]:
    async def summary(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.json_response(_summary(uid, len(asked)))

    app = web.Application()
    app.router.add_get("/stats/summary", summary)
    runner = web.AppRunner(app)
    await runner.setup()
    tls = server_tls(pki, "agent")
    await web.TCPSite(runner, _ADDRESS, AGENT_PORT, ssl_context=tls).start()
    try:
        yield
    finally:
        await runner.cleanup()


@asynccontextmanager
async def _lab(directory: Path) -> AsyncIterator[tuple[ApiServer, list[str]]]:
    """A node that answers, with a pod of one container; and one at whose address nobody is."""
    pki = make_pki(directory)
    ensure_certificate(pki, "agent", "system:node:node1", ("system:nodes",), ips=(_ADDRESS,))
    agents = Agents(agent_client_context(pki), _socket)
    store = SqliteStore.open(directory / "store.db")
    server = ApiServer(store, agents=agents)
    await server.start()
    asked: list[str] = []
    try:
        uid = await _fill(client(server))
        async with _agent(pki, uid, asked):
            yield server, asked
    finally:
        await server.stop()
        await agents.close()
        await store.close()


def _socket(address: Any) -> socket.socket:
    made = socket.socket(*address[:3])
    made.setblocking(False)
    return made


async def _fill(api: Client) -> str:
    for at, address in (("node1", _ADDRESS), ("node2", _SILENT), ("node3", "")):
        addresses = [{"type": "InternalIP", "address": address}] if address else []
        await api.create(NODES, {**node(at), "status": {"addresses": addresses}})
    made = await api.create(PODS, pod("web"))
    await api.create(PODS, pod("lost"))
    await api.create(PODS, pod("waiting"))
    await api.bind("default", "web", "node1")
    await api.bind("default", "lost", "node2")
    return str(made["metadata"]["uid"])


def test_nodes_that_answer_have_figures_and_others_are_left_out(tmp_path: Path) -> None:
    async def main() -> None:
        async with _lab(tmp_path) as (server, asked):
            api = client(server)
            (found,) = (await api.list(NODEMETRICS)).items
            assert (name(found), found["window"]) == ("node1", "1.000s")
            assert found["usage"] == {"cpu": "255000000n", "memory": "3072Ki"}
            assert len(asked) == 2  # a rate needs two samples
            assert await api.get(NODEMETRICS, "node1") == found
            assert len(asked) == 2  # and is good for a second
            for absent in ("node2", "node3", "node4"):
                sentence = f'nodemetrics.metrics.k8s.io "{absent}" not found'
                await refused(api.get(NODEMETRICS, absent), 404, "NotFound", sentence)

    run(main())


def test_pods_that_run_have_figures_by_container(tmp_path: Path) -> None:
    async def main() -> None:
        async with _lab(tmp_path) as (server, asked):
            api = client(server)
            (found,) = (await api.list(PODMETRICS, "default")).items
            assert name(found) == "web"
            assert found["metadata"]["labels"] == {"app": "web"}
            usage = {"cpu": "250000000n", "memory": "3072Ki"}
            assert found["containers"] == [{"name": "main", "usage": usage}]
            assert await api.get(PODMETRICS, "web", "default") == found
            for absent in ("lost", "waiting", "none"):
                sentence = f'podmetrics.metrics.k8s.io "default/{absent}" not found'
                await refused(api.get(PODMETRICS, absent, "default"), 404, "NotFound", sentence)
            assert len(asked) == 2

    run(main())


def test_many_who_ask_at_once_cost_one_measurement(tmp_path: Path) -> None:
    async def main() -> None:
        async with _lab(tmp_path) as (server, asked):
            api = client(server)
            answers = await asyncio.gather(*(api.list(PODMETRICS) for _ in range(10)))
            assert len(asked) == 2
            assert all(len(answer.items) == 1 for answer in answers)

    run(main())


def test_metrics_are_selected_as_nodes_and_pods_are(tmp_path: Path) -> None:
    async def main() -> None:
        async with _lab(tmp_path) as (server, _):
            api = client(server)
            assert (await api.list(PODMETRICS, labels="app=other")).items == []
            assert len((await api.list(PODMETRICS, labels="app in (web)")).items) == 1
            assert len((await api.list(PODMETRICS, fields="metadata.name=web")).items) == 1
            await refused(api.list(PODMETRICS, labels="a in"), 400, "BadRequest")

    run(main())


def test_tables_of_metrics(tmp_path: Path) -> None:
    async def main() -> None:
        async with _lab(tmp_path) as (server, _):
            wire = transport(server)
            for path, row in (
                (NODEMETRICS.path(), ["node1", "255000000n", "3072Ki", "1.000s"]),
                (PODMETRICS.path("default", "web"), ["web", "250m", "3Mi", "1.000s"]),
            ):
                table = await wire.request("GET", path, accept=_TABLE)
                titles = [column["name"] for column in table["columnDefinitions"]]
                assert titles == ["Name", "cpu", "memory", "Window"]
                assert [one["cells"] for one in table["rows"]] == [row]

    run(main())


def test_without_a_way_to_agents_there_are_no_metrics_and_nothing_is_stored(
    tmp_path: Path,
) -> None:
    async def main() -> None:
        async with serving(tmp_path) as server:
            api = client(server)
            await api.create(NODES, node("node1"))
            assert (await api.list(NODEMETRICS)).items == []
            body = {"apiVersion": "metrics.k8s.io/v1beta1", "kind": "NodeMetrics", "metadata": {}}
            await refused(api.create(NODEMETRICS, body), 405, "MethodNotAllowed")
            watch = transport(server).request("GET", NODEMETRICS.path(), query={"watch": "1"})
            await refused(watch, 405, "MethodNotAllowed")

    run(main())
