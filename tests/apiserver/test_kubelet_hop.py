"""Logs and exec: a real agent's server on another loopback address, reached by its node's object."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from labctl.api import status
from labctl.api.kinds.core import NODES, PODS
from labctl.api.objects import Obj
from labctl.apiserver.kubelet.agents import Agents
from labctl.apiserver.kubelet.location import container_name
from labctl.apiserver.tls import agent_client_context
from labctl.client.client import Client
from labctl.client.stream import exec_stream
from labctl.errors import StatusError
from labctl.names import AGENT_PORT
from labctl.pki import ensure_certificate
from tests.apiserver.https import Site, listening, make_pki
from tests.apiserver.serving import node, pod, refused, run, transport

ADDRESS = "127.44.7.1"  # a loopback address of this test's own


async def _logs(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/plain"})
    await response.prepare(request)
    for line in (request.path, request.query_string, _peer(request)):
        await response.write(line.encode() + b"\n")
    return response


async def _exec(request: web.Request) -> web.StreamResponse:
    """Echoes stdin to stdout, and ends with the exit code that the command names."""
    if "refused" in request.query.getall("command"):
        error = status.failure(400, "BadRequest", "container main is not running")
        return web.json_response(error.status, status=400)
    ws = web.WebSocketResponse(protocols=("v5.channel.k8s.io", "v4.channel.k8s.io"))
    if not ws.can_prepare(request):
        return web.json_response(status.bad_request("Upgrade request required").status, status=400)
    await ws.prepare(request)
    await ws.send_bytes(b"\x02" + " ".join(request.query.getall("command")).encode())
    async for message in ws:
        if message.data == b"\xff\x00":
            break
        await ws.send_bytes(b"\x01" + message.data[1:])
    cause = b'{"causes":[{"reason":"ExitCode","message":"7"}]}'
    await ws.send_bytes(
        b'\x03{"status":"Failure","reason":"NonZeroExitCode","details":' + cause + b"}"
    )
    await ws.close()
    return ws


def _peer(request: web.Request) -> str:
    """The common name of the client's certificate."""
    assert request.transport is not None
    subject = request.transport.get_extra_info("peercert")["subject"]
    return str(dict(pair for (pair,) in subject)["commonName"])


@asynccontextmanager
async def agent(pki: Path) -> AsyncIterator[None]:
    app = web.Application()
    app.router.add_get("/containerLogs/default/web/main", _logs)
    app.router.add_get("/exec/default/web/main", _exec)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki / "agent.crt", pki / "agent.key")
    context.load_verify_locations(pki / "ca.crt")
    context.verify_mode = ssl.CERT_REQUIRED
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, ADDRESS, AGENT_PORT, ssl_context=context).start()
    try:
        yield
    finally:
        await runner.cleanup()


@asynccontextmanager
async def lab(directory: Path) -> AsyncIterator[tuple[Site, list[Any]]]:
    """A server with a pod on a node; also every address to which the hop made a socket."""
    pki = make_pki(directory)
    ensure_certificate(pki, "agent", "system:node:node1", ("system:nodes",), ips=(ADDRESS,))
    reached: list[Any] = []

    def make_socket(address: Any) -> socket.socket:
        reached.append(address[4])
        sock = socket.socket(*address[:3])
        sock.setblocking(False)
        return sock

    agents = Agents(agent_client_context(pki), make_socket)
    async with listening(directory, agents) as site:
        api = Client(transport(site.server))
        addresses = [{"type": "InternalIP", "address": ADDRESS}]
        await api.create(NODES, {**node("node1"), "status": {"addresses": addresses}})
        await api.create(PODS, pod("web"))
        await api.bind("default", "web", "node1")
        try:
            yield site, reached
        finally:
            await agents.close()


def test_a_log_is_passed_on_from_the_pods_node(tmp_path: Path) -> None:
    async def main() -> None:
        async with lab(tmp_path) as (site, reached), agent(site.pki):
            wire = site.transport()
            async with aclosing(
                wire.raw(f"{PODS.path('default', 'web')}/log", {"tailLines": "5"})
            ) as chunks:
                lines = b"".join([chunk async for chunk in chunks]).decode().splitlines()
            assert lines == [
                "/containerLogs/default/web/main",
                "tailLines=5",
                "kube-apiserver-kubelet-client",
            ]
            assert reached == [(ADDRESS, AGENT_PORT)]
            await wire.close()

    run(main())


def test_a_command_runs_on_the_pods_node(tmp_path: Path) -> None:
    async def main() -> None:
        async with lab(tmp_path) as (site, _), agent(site.pki):
            wire = site.transport()
            out, err = bytearray(), bytearray()

            async def stdin() -> AsyncIterator[bytes]:
                for word in (b"one ", b"two"):
                    yield word

            code = await exec_stream(
                wire, "default", "web", "", ["cat", "a b"],
                stdin=stdin(), stdout=out.extend, stderr=err.extend,
            )  # fmt: skip
            assert (code, bytes(out), bytes(err)) == (7, b"one two", b"cat a b")
            await wire.close()

    run(main())


def test_what_the_agent_refuses_is_refused_in_its_words(tmp_path: Path) -> None:
    async def main() -> None:
        async with lab(tmp_path) as (site, _), agent(site.pki), site.session() as session:
            wire, sink = site.transport(), bytearray()
            with pytest.raises(StatusError, match="container main is not running"):
                await exec_stream(
                    wire, "default", "web", "", ["refused"], stdout=sink.extend, stderr=sink.extend
                )
            await wire.close()
            path = "/api/v1/namespaces/default/pods/web/exec"
            with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
                await session.ws_connect(path, params={"command": "a"}, protocols=["v9"])
            assert caught.value.status == 403
            answer = await session.post(path, params={"command": "a"})
            body = await answer.json()
            assert (answer.status, body["message"]) == (400, "Upgrade request required")

    run(main())


def test_an_agent_that_is_gone_is_a_503_and_a_stranger_a_403(tmp_path: Path) -> None:
    async def main() -> None:
        async with lab(tmp_path) as (site, _):
            for user, code in (("admin", 503), ("node-node1", 403)):
                wire = site.transport(user)
                with pytest.raises(StatusError) as caught:
                    async for _ in wire.raw("/api/v1/namespaces/default/pods/web/log"):
                        pass
                assert caught.value.code == code
                await wire.close()
            admin = site.transport()
            await refused(
                drain(admin.raw("/api/v1/namespaces/default/pods/no/log")), 404, "NotFound"
            )
            await Client(admin).create(PODS, pod("unbound"))
            nothing = [c async for c in admin.raw("/api/v1/namespaces/default/pods/unbound/log")]
            assert nothing == []
            await refused(
                exec_stream(
                    admin,
                    "default",
                    "unbound",
                    "",
                    ["x"],
                    stdout=bytearray().extend,
                    stderr=bytearray().extend,
                ),
                400,
                "BadRequest",
                "pod unbound does not have a host assigned",
            )
            await admin.close()

    async def drain(chunks: AsyncIterator[bytes]) -> None:
        async for _ in chunks:
            pass

    run(main())


def test_which_container_is_meant() -> None:
    several: Obj = {
        "metadata": {"name": "web"},
        "spec": {"containers": [{"name": "a"}, {"name": "b"}], "initContainers": [{"name": "i"}]},
    }
    one: Obj = {**several, "spec": {"containers": [{"name": "a"}]}}
    assert container_name(one, {}) == "a"
    assert container_name(several, {"container": "i"}) == "i"
    for query, message in (
        ({}, r"a container name must be specified for pod web, choose one of: \[i a b\]"),
        ({"container": "x"}, "container x is not valid for pod web"),
    ):
        with pytest.raises(StatusError, match=message):
            container_name(several, query)


def test_the_loop_is_left_with_nothing_running(tmp_path: Path) -> None:
    async def main() -> None:
        before = asyncio.all_tasks()
        async with lab(tmp_path) as (site, _), agent(site.pki):
            wire, sink = site.transport(), bytearray()
            code = await exec_stream(
                wire, "default", "web", "main", ["x"],
                stdin=stdin(), stdout=sink.extend, stderr=sink.extend,
            )  # fmt: skip
            assert code == 7
            await wire.close()
        assert asyncio.all_tasks() == before

    async def stdin() -> AsyncIterator[bytes]:
        yield b"x"

    run(main())
