"""Probes: thresholds and what they mean as values, the asking against real sockets."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from labctl.api.objects import Obj
from labctl.node.pods.actions import StopContainer
from labctl.node.pods.plan import plan
from labctl.node.probes import grpc, http, tcp
from labctl.node.probes.health import Health, is_ready, is_started
from labctl.node.probes.probe import Outcome, Probe, probe_of, probes_of
from labctl.node.probes.tally import Tally
from labctl.runtime.standin.answer import Answer
from labctl.runtime.standin.http2 import Http2
from tests.node.pods import NOW, container, facts, pod, sandbox

PROBE: Obj = {"tcpSocket": {"port": 80}, "failureThreshold": 2, "successThreshold": 2}
HOST = "127.0.0.1"
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.mark.parametrize(
    ("outcomes", "verdict"),
    [
        ("", None),
        ("+", None),
        ("++", True),
        ("-", None),
        ("--", False),
        ("+-+-+-", None),
        ("++-", True),
        ("++--", False),
        ("++-+-", True),
        ("--+", False),
        ("--++", True),
    ],
)
def test_a_verdict_needs_a_full_run_and_holds_until_another(
    outcomes: str, verdict: bool | None
) -> None:
    probe = probe_of({"readinessProbe": PROBE}, "readiness")
    assert probe is not None
    tally = Tally()
    for sign in outcomes:
        tally = tally.counted(probe, Outcome(sign == "+"))
    assert tally.verdict is verdict


def test_a_probe_has_the_defaults_of_kubernetes() -> None:
    spec: Obj = {"livenessProbe": {"exec": {"command": ["true"]}}}
    assert list(probes_of(spec)) == [Probe("liveness", spec["livenessProbe"])]
    (probe,) = probes_of(spec)
    assert (probe.period, probe.timeout, probe.successes, probe.failures) == (10, 1, 1, 3)


@pytest.mark.parametrize(
    ("spec", "health", "started", "ready"),
    [
        ({}, None, True, True),
        ({"readinessProbe": PROBE}, None, True, False),
        ({"readinessProbe": PROBE}, Health(ready=True), True, True),
        ({"startupProbe": PROBE}, None, False, False),
        ({"startupProbe": PROBE}, Health(started=True), True, True),
        ({"startupProbe": PROBE, "readinessProbe": PROBE}, Health(ready=True), False, False),
        ({"livenessProbe": PROBE}, None, True, True),
    ],
)
def test_what_probes_found_decides_on_started_and_ready(
    spec: Obj, health: Health | None, started: bool, ready: bool
) -> None:
    one = container()
    healths = {} if health is None else {one.id: health}
    assert is_started(spec, one, healths) is started
    assert is_ready(spec, one, healths) is ready
    assert not is_ready(spec, container(state="exited"), healths)
    assert not is_ready(spec, None, healths)


def test_a_container_that_failed_is_ended_within_its_grace_and_only_once() -> None:
    obj = pod(terminationGracePeriodSeconds=7)
    obj["spec"]["containers"][0]["livenessProbe"] = PROBE
    one = container()
    had = facts(sandbox(), one, healths={one.id: Health(failed="liveness")})
    assert plan(obj, had, NOW).actions == (StopContainer(one, NOW + 7, "liveness"),)
    obj["spec"]["containers"][0]["livenessProbe"] = {**PROBE, "terminationGracePeriodSeconds": 2}
    assert plan(obj, had, NOW).actions == (StopContainer(one, NOW + 2, "liveness"),)
    stopping = facts(sandbox(), one, healths=had.healths, stopping={one.id: NOW + 2})
    assert plan(obj, stopping, NOW).actions == ()


@asynccontextmanager
async def listening(serve: Serve) -> AsyncIterator[int]:
    """The port on which `serve` answers; at the end every conversation has ended."""
    talks: list[asyncio.Task[None]] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await serve(reader, writer)
        writer.close()
        await writer.wait_closed()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talks.append(asyncio.create_task(talk(reader, writer)))

    async with await asyncio.start_server(begin, HOST) as server:
        yield server.sockets[0].getsockname()[1]
    await asyncio.gather(*talks)


def saying(head: str) -> Serve:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        assert b"User-Agent: kube-probe/1.33\r\n" in request
        moved = head if b"GET /healthz" in request else "HTTP/1.1 200 OK"
        writer.write(f"{moved}\r\nContent-Length: 0\r\n\r\n".encode())
        await writer.drain()

    return serve


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    del writer


async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")


@pytest.mark.parametrize(
    ("head", "healthy", "message"),
    [
        ("HTTP/1.1 200 OK", True, ""),
        ("HTTP/1.1 399 Odd", True, ""),
        ("HTTP/1.1 404 Not Found", False, "HTTP probe failed with statuscode: 404"),
        ("HTTP/1.1 500 Oops", False, "HTTP probe failed with statuscode: 500"),
        ("HTTP/1.1 302 Found\r\nLocation: /elsewhere", True, ""),
        ("HTTP/1.1 302 Found\r\nLocation: http://192.0.2.1/", True, ""),
        ("HTTP/1.1 302 Found\r\nLocation: /healthz", False, "stopped after 10 redirects"),
        ("nonsense", False, "Get "),
    ],
)
def test_an_http_probe_takes_an_answer_for_what_it_is(
    head: str, healthy: bool, message: str
) -> None:
    async def main() -> None:
        async with listening(saying(head)) as port:
            outcome = await http.get("HTTP", HOST, port, "/healthz", {}, 5)
            assert outcome.healthy is healthy
            assert message in outcome.message

    asyncio.run(main())


def test_what_nobody_answers_is_told_in_the_words_of_the_kubelet() -> None:
    async def main() -> None:
        async with listening(silent) as port:
            outcome = await http.get("HTTP", HOST, port, "healthz", {}, 0.1)
            said = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
            assert outcome.message == f'Get "http://{HOST}:{port}/healthz": {said}'
            assert await tcp.connect(HOST, port, 1) == Outcome(healthy=True)
            outcome = await grpc.check(HOST, port, "", 0.1)
            said = f'timeout: failed to connect service "{HOST}:{port}" within 0.1s'
            assert outcome == Outcome(healthy=False, message=said)
        refused = f"dial tcp {HOST}:{port}: connect: connection refused"
        assert await tcp.connect(HOST, port, 1) == Outcome(healthy=False, message=refused)
        outcome = await http.get("HTTP", HOST, port, "/", {}, 1)
        assert outcome.message == f'Get "http://{HOST}:{port}/": {refused}'
        assert not (await grpc.check(HOST, port, "", 1)).healthy

    asyncio.run(main())


async def healthy_grpc(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    peer = Http2(Answer({}, "TCP", 0, ("", 0), lambda _: None))
    while data := await reader.read(65536):
        writer.write(peer.received(data))


def test_a_grpc_probe_asks_for_health() -> None:
    async def main() -> None:
        async with listening(healthy_grpc) as port:
            assert await grpc.check(HOST, port, "", 5) == Outcome(healthy=True)
            assert await grpc.check(HOST, port, "x" * 300, 5) == Outcome(healthy=True)
        async with listening(deaf) as port:
            outcome = await grpc.check(HOST, port, "", 5)
            assert outcome.message == "error: health rpc probe failed: no gRPC answer"

    asyncio.run(main())


def answering(message: bytes, *, code: bytes = b"0") -> Serve:
    """A gRPC server that gives one message, or none, whatever it is asked."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        frames = [(4, 0, 0, b""), (1, 4, 1, b"\x88")]
        frames += [(0, 0, 1, message)] if message else []
        frames += [(1, 5, 1, b"\x00\x0bgrpc-status\x01" + code)]
        for kind, flags, stream, payload in frames:
            head = len(payload).to_bytes(3, "big") + bytes((kind, flags))
            writer.write(head + stream.to_bytes(4, "big") + payload)
        await reader.read()

    return serve


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (b"\0\0\0\0\2\x08\x01", ""),
        (b"\0\0\0\0\2\x08\x02", 'service unhealthy (responded with "NOT_SERVING")'),
        (b"\0\0\0\0\0", 'service unhealthy (responded with "UNKNOWN")'),
        (b"", "error: this server does not implement the grpc health protocol"),
    ],
)
def test_what_a_grpc_server_says_of_itself(message: bytes, said: str) -> None:
    async def main() -> None:
        async with listening(answering(message)) as port:
            outcome = await grpc.check(HOST, port, "", 5)
            assert outcome.healthy is not bool(said)
            assert outcome.message.startswith(said)

    asyncio.run(main())
