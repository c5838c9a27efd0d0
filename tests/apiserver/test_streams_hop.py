"""exec and port-forward over SPDY and channels: a real server, and an agent that says what it got."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import msgspec
import pytest
import uvloop
from aiohttp import web

from labctl.apiserver.kubelet.forward_channels import read_ports
from labctl.errors import StatusError
from labctl.names import AGENT_PORT
from tests.apiserver.https import Site
from tests.apiserver.spdy_client import UPGRADE, V4, SpdyClient, dialled
from tests.apiserver.test_kubelet_hop import ADDRESS, lab

EXEC = "/api/v1/namespaces/default/pods/web/exec?command=x"
FORWARD = "/api/v1/namespaces/default/pods/web/portforward"
FORWARDS = "X-Stream-Protocol-Version: portforward.k8s.io"
FAILURE = b'{"status":"Failure","message":"it failed","details":{"causes":[{"reason":"ExitCode","message":"7"}]}}'

Test = Callable[[Site, "Agent"], Awaitable[None]]


class Agent:
    """Echoes stdin and forwarded bytes; what a test waits for happens, or the test runs out."""

    def __init__(self) -> None:
        self.query = ""
        self.sizes: list[bytes] = []
        self.left = asyncio.Event()
        self.sockets: list[web.WebSocketResponse] = []

    async def exec(self, request: web.Request) -> web.StreamResponse:
        self.query = request.query_string
        socket = await self._open(request, "v5.channel.k8s.io")
        async for message in socket:
            if message.data == b"\xff\x00":
                await socket.send_bytes(b"\x02at the end")
                await socket.send_bytes(b"\x03" + FAILURE)
                break
            if message.data[:1] == b"\x04":
                self.sizes.append(message.data[1:])
            elif message.data == b"\x00flood":
                await self._flood(socket)
            else:
                await socket.send_bytes(b"\x01" + message.data[1:])
        await socket.close()
        self.left.set()
        return socket

    async def _flood(self, socket: web.WebSocketResponse) -> None:
        for _ in range(200):
            await socket.send_bytes(b"\x01" + b"x" * 65536)
        await socket.send_bytes(b"\x03" + FAILURE)

    async def forward(self, request: web.Request) -> web.StreamResponse:
        socket = await self._open(request, "portforward.labctl.io")
        if request.query["port"] == "81":
            await socket.send_str("connection refused")
        else:
            async for message in socket:
                await socket.send_bytes(message.data)
                if not message.data:
                    break
        await socket.close()
        self.left.set()
        return socket

    async def _open(self, request: web.Request, protocol: str) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=(protocol,))
        await socket.prepare(request)
        self.sockets.append(socket)
        return socket

    def die(self) -> None:
        for socket in self.sockets:
            transport = socket._req.transport if socket._req else None
            assert transport is not None
            transport.abort()


@asynccontextmanager
async def serving(pki: Path) -> AsyncIterator[Agent]:
    agent, app = Agent(), web.Application()
    app.router.add_get("/exec/default/web/main", agent.exec)
    app.router.add_get("/portForward/default/web", agent.forward)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki / "agent.crt", pki / "agent.key")
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, ADDRESS, AGENT_PORT, ssl_context=context).start()
    try:
        yield agent
    finally:
        await runner.cleanup()


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def play(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Test], None]:
    """Plays a test with a site and an agent, on either event loop."""

    async def main(test: Test) -> None:
        async with lab(tmp_path) as (site, _), serving(site.pki) as agent, asyncio.timeout(30):
            await test(site, agent)

    def start(test: Test) -> None:
        with asyncio.Runner(loop_factory=request.param) as runner:
            runner.run(main(test))

    return start


@asynccontextmanager
async def spdy(site: Site, path: str, *headers: str) -> AsyncIterator[SpdyClient]:
    async with dialled(site.port, site.context(), path, *UPGRADE, *headers) as (
        head, reader, writer,
    ):  # fmt: skip
        assert head.startswith("HTTP/1.1 101 "), head
        assert "\r\nUpgrade: SPDY/3.1\r\n" in head
        yield SpdyClient(reader, writer)


def test_a_commands_streams_and_its_end(play: Callable[[Test], None]) -> None:
    async def test(site: Site, agent: Agent) -> None:
        path = f"{EXEC}&stdin=true&stdout=true&stderr=true"
        async with spdy(site, path, V4) as client:
            for name in ("error", "stdin", "stdout", "stderr"):
                client.open(name)
            client.send("stdin", b"one ")
            client.send("stdin", b"two", fin=True)
            assert await client.until("stdout") == b"one two"
            assert await client.until("stderr") == b"at the end"
            assert await client.until("error") == FAILURE
            assert client.replied == {"error", "stdin", "stdout", "stderr"}
        assert agent.query == "command=x&stderr=true&stdin=true&stdout=true"

    play(test)


def test_a_terminal_has_sizes_and_no_stderr(play: Callable[[Test], None]) -> None:
    async def test(site: Site, agent: Agent) -> None:
        path = f"{EXEC}&stdin=true&stdout=true&stderr=true&tty=true"
        async with spdy(site, path, V4) as client:
            for name in ("error", "stdin", "stdout", "resize"):
                client.open(name)
            client.send("resize", b'{"Width":90,"Hei')
            client.send("resize", b'ght":33}\n{"Width":1,"Height":2}\n')
            while len(agent.sizes) < 2:
                client.send("stdin", b"x")
                await client.read()
        assert agent.sizes == [b'{"Width":90,"Height":33}', b'{"Width":1,"Height":2}']
        assert agent.query == "command=x&stdin=true&stdout=true&tty=true"

    play(test)


def test_old_protocols_tell_the_end_as_a_sentence(play: Callable[[Test], None]) -> None:
    async def test(site: Site, _: Agent) -> None:
        path = f"{EXEC}&stdin=true&stdout=true&stderr=false"
        async with spdy(site, path, "X-Stream-Protocol-Version: channel.k8s.io") as client:
            for name in ("error", "stdin", "stdout"):
                client.open(name)
            client.send("stdin", b"", fin=True)
            assert await client.until("error") == b"it failed"
        session = aiohttp.ClientSession(
            site.url, connector=aiohttp.TCPConnector(ssl=site.context())
        )
        async with session, session.ws_connect(path) as socket:
            await socket.send_bytes(b"\xff\x00")
            said = [message.data async for message in socket]
        assert said == [b"\x02at the end", b"\x03it failed"]

    play(test)


def test_protocols_that_nobody_speaks_are_refused(play: Callable[[Test], None]) -> None:
    async def test(site: Site, _: Agent) -> None:
        version = "X-Stream-Protocol-Version"
        for path, headers, code, text in (
            (EXEC, (f"{version}: v9.channel.k8s.io, x",), 403,
             "client supports [v9.channel.k8s.io x], server accepts [v5.channel.k8s.io v4."),
            (EXEC, (), 400, f"header {version} does not exist in request"),
            (FORWARD, (f"{version}: v4.channel.k8s.io",), 403, "server accepts [portforward.k8s.io]"),
        ):  # fmt: skip
            asked = dialled(site.port, site.context(), path, *UPGRADE, *headers)
            async with asked as (head, reader, _writer):
                assert head.startswith(f"HTTP/1.1 {code} "), head
                assert text in (await reader.read(1000)).decode()
                assert (code == 403) == ("X-Accepted-Stream-Protocol-Versions" in head)
        async with site.session() as session:
            for path in (EXEC, FORWARD):
                with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                    await session.ws_connect(path, protocols=["v9.channel.k8s.io"])
                assert refused.value.status == 403
            none = f"{EXEC}&stdin=false&stdout=false&stderr=false"
            answer = await session.post(none)
            message = (await answer.json())["message"]
            assert message == "you must specify at least 1 of stdin, stdout, stderr"

    play(test)


def test_a_client_that_vanishes_takes_the_command_along(play: Callable[[Test], None]) -> None:
    async def test(site: Site, agent: Agent) -> None:
        async with spdy(site, f"{EXEC}&stdin=true&stderr=false", V4) as client:
            for name in ("error", "stdin", "stdout"):
                client.open(name)
            client.send("stdin", b"x")
            while client.said["stdout"] != b"x":
                await client.read()
        await agent.left.wait()

    play(test)


def test_an_agent_that_dies_is_told_on_the_error_stream(play: Callable[[Test], None]) -> None:
    async def test(site: Site, agent: Agent) -> None:
        async with spdy(site, f"{EXEC}&stdin=true&stderr=false", V4) as client:
            for name in ("error", "stdin", "stdout"):
                client.open(name)
            client.send("stdin", b"x")
            while client.said["stdout"] != b"x":
                await client.read()
            agent.die()
            status = msgspec.json.decode(await client.until("error"))
        assert (status["code"], status["reason"]) == (500, "InternalError")
        assert "agent was lost" in status["message"]

    play(test)


def test_what_is_no_spdy_ends_the_connection(play: Callable[[Test], None]) -> None:
    async def test(site: Site, agent: Agent) -> None:
        for path, version in ((f"{EXEC}&stdin=true", V4), (FORWARD, FORWARDS)):
            async with spdy(site, path, version) as client:
                client.open("error", port="80")
                client.raw(b"\x80\x02\x00\x01" + b"\xff" * 100)
                while not client.gone:
                    await client.read()
        await agent.left.wait()

    play(test)


def test_output_waits_for_a_client_that_does_not_read(play: Callable[[Test], None]) -> None:
    async def test(site: Site, agent: Agent) -> None:
        async with spdy(site, f"{EXEC}&stdin=true&stderr=false", V4) as client:
            for name in ("error", "stdin", "stdout"):
                client.open(name)
            client.send("stdin", b"flood")
            while "stdout" not in client.replied:
                await client.read()
            # 13 MB are more than all the buffers on the way can hold
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(agent.left.wait(), 0.5)
            assert len(await client.until("stdout")) == 200 * 65536
            assert await client.until("error") == FAILURE

    play(test)


def test_connections_are_forwarded_by_pairs_of_streams(play: Callable[[Test], None]) -> None:
    async def test(site: Site, _: Agent) -> None:
        async with spdy(site, FORWARD, FORWARDS) as client:
            for number in range(20):
                client.open("error", port="80", requestid=str(number))
                client.open("data", port="80", requestid=str(number))
            client.open("error", port="81", requestid="no")
            client.open("data", port="81", requestid="no")
            client.open("data", port="0", requestid="bad")
            client.open("other", port="80", requestid="odd")
            for number in range(20):
                client.send(f"data{number}", b"hello %d" % number, fin=True)
            for number in range(20):
                assert await client.until(f"data{number}") == b"hello %d" % number
                assert await client.until(f"error{number}") == b""
            refusal = (await client.until("errorno")).decode()
            assert refusal.startswith("error forwarding port 81 to pod web, uid ")
            assert refusal.endswith(": connection refused")
            assert client.reset == {"databad", "otherodd"}

    play(test)


def test_ports_are_forwarded_by_pairs_of_channels(play: Callable[[Test], None]) -> None:
    async def test(site: Site, agent: Agent) -> None:
        for protocols in (["v4.channel.k8s.io"], []):
            async with site.session() as session:
                socket = await session.ws_connect(f"{FORWARD}?ports=80,81", protocols=protocols)
                said: dict[int, list[bytes]] = {0: [], 1: [], 2: [], 3: []}
                await socket.send_bytes(b"\x00hello")
                while b"hello" not in said[0] or len(said[3]) < 2:
                    message = await socket.receive()
                    said[message.data[0]].append(message.data[1:])
                assert said[0] == [b"\x50\x00", b"hello"]
                assert said[1] == [b"\x50\x00"]
                assert said[3][0] == b"\x51\x00"
                assert said[3][1].endswith(b": connection refused")
                await socket.close()
            await agent.left.wait()
            async with site.session() as session:
                answer = await session.get(
                    FORWARD, headers={"Connection": "Upgrade", "Upgrade": "websocket"}
                )
                assert answer.status == 400

    play(test)


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ([], "is required"),
        (["x"], "unable to parse 'x' as a port"),
        (["0"], "port '0'"),
        (["65536"], "port '65536'"),
        (["1," * 200], "at most 127 ports"),
    ],
)
def test_ports_that_are_none_are_refused(told: list[str], message: str) -> None:
    with pytest.raises(StatusError, match=message):
        read_ports(told)


def test_ports_are_read_as_they_come() -> None:
    assert read_ports(["80", "81,82"]) == [80, 81, 82]
