"""exec and port-forward with the Python clients: channels over WebSocket, with and without a name."""

import asyncio
import gc
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.waiting import until

kubernetes = pytest.importorskip("kubernetes")
kr8s = pytest.importorskip("kr8s")

from kubernetes import client, config, stream  # noqa: E402

# The client leaves the sockets of its streams to the garbage collector.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module", autouse=True)
def collected() -> Iterator[None]:
    """Nothing of it is left to be complained of elsewhere."""
    yield
    for thread in threading.enumerate():
        if thread.name.startswith("Kubernetes port forward proxy"):
            thread.join(20)
    gc.collect()


@pytest.fixture
def api(kubeconfig: Path) -> Iterator[Any]:
    load: Any = config.new_client_from_config
    with load(str(kubeconfig)) as made:
        yield client.CoreV1Api(made)


def _exec(api: Any, space: str, pod: str, *command: str, **more: Any) -> Any:
    return stream.stream(
        api.connect_get_namespaced_pod_exec,
        pod, space, command=list(command), stdout=True, stderr=True, **more,
    )  # fmt: skip


def test_exec_collects_what_a_command_says(api: Any, space: str) -> None:
    words = ("sh", "-c", "echo out; echo err >&2")
    with closing(_exec(api, space, "web", *words, _preload_content=False)) as talk:
        talk.run_forever(timeout=20)
        assert sorted(talk.read_all().split()) == ["err", "out"]


def test_exec_talks_and_has_the_exit_code(api: Any, space: str) -> None:
    words = ("sh", "-c", 'read a; echo "got $a"; cat >/dev/null; exit 3')
    talk = _exec(api, space, "web", *words, stdin=True, tty=False, _preload_content=False)
    talk.write_stdin("text\n")
    assert talk.readline_stdout(timeout=20) == "got text"
    talk.close_channel(0)
    talk.run_forever(timeout=20)
    assert talk.returncode == 3
    talk.close()


def test_attach_reads_what_comes(api: Any, space: str) -> None:
    joined = stream.stream(
        api.connect_get_namespaced_pod_attach,
        "talk", space, container="talk", stdin=True, stdout=True, stderr=True,
        _preload_content=False,
    )  # fmt: skip
    joined.write_stdin("py\n")
    assert joined.readline_stdout(timeout=20) == "got py"
    joined.close()


def _get(connection: Any, path: str) -> Any:
    connection.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
    answer = b""
    while data := connection.recv(4096):
        answer += data
    return json.loads(answer.partition(b"\r\n\r\n")[2])


def test_ports_are_forwarded_to_sockets(api: Any, space: str) -> None:
    forward = stream.portforward(
        api.connect_get_namespaced_pod_portforward, "web", space, ports="80,81"
    )
    with closing(forward.socket(80)) as connection:
        connection.setblocking(True)
        assert _get(connection, "/py")["pod"] == "web"
    until(lambda: forward.error(81))
    assert forward.error(80) is None
    assert "error forwarding port 81 to pod web" in forward.error(81)
    assert "connection refused" in forward.error(81)
    forward.close()
    until(lambda: not forward.connected)


def test_kr8s_runs_commands_and_forwards_ports(kubeconfig: Path, space: str) -> None:
    from kr8s.asyncio.objects import Pod

    async def main() -> None:
        reached = await kr8s.asyncio.api(kubeconfig=str(kubeconfig))
        pod = await Pod.get("web", namespace=space, api=reached)
        done = await pod.exec(["sh", "-c", "echo out; exit 0"])
        assert done.stdout == b"out\n"
        async with pod.portforward(80, local_port="auto") as port:
            assert (await asyncio.to_thread(_ask, port))["pod"] == "web"

    asyncio.run(main())


def _ask(port: int) -> Any:
    with socket.create_connection(("127.0.0.1", port), 20) as connection:
        return _get(connection, "/kr8s")
