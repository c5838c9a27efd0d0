"""Stand-ins on real sockets in a pod's namespace, and the host outside."""

import contextlib
import json
import socket
import subprocess
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from labctl import names
from labctl.cri import Container, ContainerConfig, Port, RuntimeClient, Sandbox
from labctl.net.namespaces import create_netns, socket_in
from tests.runtime.rig import DEADLINE_SECONDS, Rig, connect, lo_up, pod, run_container, wait_until


def _stand_in(rig: Rig, name: str, config: ContainerConfig) -> Sandbox:
    async def scenario(client: RuntimeClient) -> Sandbox:
        sandbox = await client.run_pod_sandbox(pod(name))
        lo_up(sandbox)
        container = await run_container(client, sandbox, config)
        assert container.stand_in
        return sandbox

    return rig.run(scenario)


@pytest.fixture(scope="module")
def web(rig: Rig) -> Sandbox:
    ports = (Port(80), Port(53, "UDP"), Port(53, "TCP"), Port(5000, "SCTP"))
    return _stand_in(rig, "web", replace(rig.config("web"), ports=ports, probe_ports=(80, 8081)))


def _udp(sandbox: Sandbox) -> socket.socket:
    client = socket_in(sandbox.netns, socket.AF_INET, socket.SOCK_DGRAM)
    client.settimeout(DEADLINE_SECONDS)
    return client


def _curl(sandbox: Sandbox, *arguments: str) -> str:
    command = ["nsenter", f"--net={sandbox.netns}", "curl", "-s", "-m", "10", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("port", [80, 8081, 53])
def test_curl_gets_the_json_on_every_port_declared_or_probed(web: Sandbox, port: int) -> None:
    answer = json.loads(_curl(web, f"http://127.0.0.1:{port}/healthz"))
    assert answer.pop("client")["address"] == "127.0.0.1"
    assert answer == {
        "pod": "web",
        "namespace": "default",
        "node": "node1",
        "podIP": "10.9.8.7",
        "container": "web",
        "protocol": "TCP",
        "port": port,
    }


@pytest.mark.parametrize(
    "arguments",
    [
        ("-d", "x" * 100_000),
        ("-T", "/etc/services", "-H", "Transfer-Encoding: chunked"),
        ("--http2-prior-knowledge",),
        ("--http1.0",),
        ("-H", "Expect: 100-continue", "-d", "body"),
    ],
)
def test_curl_gets_it_in_any_manner(web: Sandbox, arguments: tuple[str, ...]) -> None:
    assert json.loads(_curl(web, *arguments, "http://127.0.0.1/"))["pod"] == "web"


def test_a_datagram_is_answered_with_the_line(web: Sandbox) -> None:
    with _udp(web) as client:
        client.sendto(b"anyone?", ("127.0.0.1", 53))
        line, server = client.recvfrom(65536)
        answer = json.loads(line)
        assert server == ("127.0.0.1", 53)
        assert answer["client"] == {"address": "127.0.0.1", "port": client.getsockname()[1]}
        assert (answer["pod"], answer["protocol"], answer["port"]) == ("web", "UDP", 53)


def test_a_datagram_is_answered_from_the_address_it_was_sent_to(web: Sandbox) -> None:
    with _udp(web) as client:
        client.sendto(b"?", ("127.0.0.9", 53))
        assert client.recvfrom(65536)[1] == ("127.0.0.9", 53)


def test_whatever_is_said_on_tcp_is_answered_as_often_as_it_is_said(web: Sandbox) -> None:
    with connect(web, 80) as client, client.makefile("rb") as lines:
        for _ in range(3):
            client.sendall(b"hello\n")
            assert json.loads(lines.readline())["client"]["port"] == client.getsockname()[1]


def test_a_client_that_waits_to_be_spoken_to_is_spoken_to(web: Sandbox) -> None:
    with connect(web, 80) as client, client.makefile("rb") as lines:
        assert json.loads(lines.readline())["pod"] == "web"


def test_a_client_that_only_listens_gets_the_line_and_the_end(web: Sandbox) -> None:
    with connect(web, 80) as client:
        client.shutdown(socket.SHUT_WR)
        assert json.loads(_read_to_end(client))["pod"] == "web"


def test_accesses_are_its_log(rig: Rig) -> None:
    config = replace(rig.config("logged"), ports=(Port(80), Port(90, "UDP")))
    sandbox = _stand_in(rig, "logged", config)
    _curl(sandbox, "http://127.0.0.1/some/path")
    with _udp(sandbox) as client:
        client.sendto(b"12345", ("127.0.0.1", 90))
        client.recv(1000)
    lines = [line.split(" ", 3) for line in Path(config.log_path).read_text().splitlines()]
    assert [line[1:3] for line in lines] == [["stdout", "F"]] * 2
    assert lines[0][3].endswith(' -> 80/TCP "GET /some/path HTTP/1.1" 200')
    assert lines[1][3].endswith(" -> 90/UDP 5 bytes")


def test_a_stand_in_has_no_process(rig: Rig) -> None:
    before = rig.processes()
    sandbox = _stand_in(rig, "no-process", replace(rig.config("x"), ports=(Port(80),)))
    assert rig.processes() == before | {sandbox.pid}


def test_when_it_stopped_nothing_of_it_is_left_not_even_in_an_open_connection(rig: Rig) -> None:
    ports = (Port(80), Port(80, "UDP"))
    sandbox = _stand_in(rig, "stops", replace(rig.config("stops"), ports=ports))

    async def stop(client: RuntimeClient) -> Container:
        return await client.stop_container(f"{sandbox.id}.stops.0", 30)

    with connect(sandbox, 80) as talking, connect(sandbox, 80) as idle, _udp(sandbox) as datagrams:
        talking.sendall(b"hello")
        assert talking.recv(1000)
        stopped = rig.run(stop)
        assert (stopped.state, stopped.exit_code, stopped.reason) == ("exited", 0, "Completed")
        assert talking.recv(1000) == b""
        assert idle.recv(1000) == b""
        datagrams.connect(("127.0.0.1", 80))
        datagrams.send(b"?")
        with pytest.raises(ConnectionRefusedError):
            datagrams.recv(1000)
        with pytest.raises(ConnectionRefusedError):
            connect(sandbox, 80)


def test_a_client_that_does_not_read_holds_nobody_up(web: Sandbox) -> None:
    with connect(web, 80) as stuck:
        stuck.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                stuck.send(b"GET / HTTP/1.1\r\n\r\n" * 1000)
        assert json.loads(_curl(web, "http://127.0.0.1/"))["pod"] == "web"
        stuck.setblocking(True)
        assert stuck.recv(100).startswith(b"HTTP/1.1 200")


def test_two_hundred_clients_at_once_are_all_answered(web: Sandbox) -> None:
    with ExitStack() as stack:
        clients = [stack.enter_context(connect(web, 80)) for _ in range(200)]
        for client in clients:
            client.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert all(client.recv(1000).startswith(b"HTTP/1.1 200") for client in clients)


@pytest.fixture
def outside(rig: Rig) -> Path:
    pin = create_netns(names.outside_netns(rig.lab))
    subprocess.run(["nsenter", f"--net={pin}", "ip", "link", "set", "lo", "up"], check=True)
    return pin


def test_outside_tells_whom_it_saw(outside: Path) -> None:
    wait_until(lambda: _listens(outside, 80))
    command = ["nsenter", f"--net={outside}", "curl", "-s", "-m", "10", "http://127.0.0.5/"]
    answer: dict[str, Any] = json.loads(subprocess.check_output(command))
    assert answer["client"]["address"] == "127.0.0.1"
    assert (answer["host"], answer["address"], answer["port"]) == ("outside", "203.0.113.10", 80)
    with socket_in(outside, socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(DEADLINE_SECONDS)
        client.sendto(b"?", ("127.0.0.1", 80))
        assert json.loads(client.recv(1000))["host"] == "outside"


def _listens(place: Path, port: int) -> bool:
    with socket_in(place, socket.AF_INET, socket.SOCK_STREAM) as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def _read_to_end(client: socket.socket) -> bytes:
    said = b""
    while data := client.recv(1000):
        said += data
    return said
