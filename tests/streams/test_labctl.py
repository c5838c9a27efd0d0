"""labctl's own attach, cp and port-forward, on the session's lab."""

import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.command import PROGRAM, Labctl
from tests.waiting import until


@contextmanager
def started(labctl: Labctl, *words: str) -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(
        [PROGRAM, *words],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={**os.environ, "LABCTL_LAB": labctl.lab},
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.kill()


def test_attach_says_and_hears(labctl: Labctl, space: str) -> None:
    with started(labctl, "attach", "-i", "talk", "-c", "talk", "-n", space) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("mine\n")
        process.stdin.flush()
        heard = {process.stdout.readline(), process.stdout.readline()}
        assert heard == {"got mine\n", "err mine\n"}
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130


def test_what_has_ended_cannot_be_attached_to(labctl: Labctl, space: str) -> None:
    labctl.ok("run", "done", "--image", "busybox", "-n", space, "--restart", "Never", "--", "true")
    labctl.ok("wait", "--for=jsonpath={.status.phase}=Succeeded", "pod/done", "-n", space)
    result = labctl("attach", "done", "-n", space)
    assert (result.code, result.err) == (1, 'error: container not found ("done")\n')


def test_files_are_copied_as_cp_would(labctl: Labctl, space: str, tmp_path: Path) -> None:
    data = os.urandom(3_000_000)
    (tmp_path / "tree" / "deep").mkdir(parents=True)
    (tmp_path / "tree" / "deep" / "leaf").write_bytes(data)
    (tmp_path / "tree" / "link").symlink_to("deep/leaf")
    labctl.ok("cp", str(tmp_path / "tree"), "web:/srv", "-n", space)
    labctl.ok("cp", "web:/srv/tree", str(tmp_path / "back"), "-n", space)
    for _ in range(2):  # once more into what is there
        labctl.ok("cp", f"web.{space}:/srv/tree", str(tmp_path / "back"))
    for root in ("back", "back/tree"):
        assert (tmp_path / root / "deep" / "leaf").read_bytes() == data
        assert os.readlink(tmp_path / root / "link") == "deep/leaf"
    labctl.ok("cp", str(tmp_path / "tree/deep/leaf"), "web:/srv/other", "-n", space)
    labctl.ok("cp", "web:/srv/other", str(tmp_path / "other"), "-n", space)
    assert (tmp_path / "other").read_bytes() == data
    assert sorted(os.listdir(tmp_path)) == ["back", "other", "tree"]


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("a", "b"), 2, "exactly one of SOURCE and TARGET must be POD:PATH"),
        (("web:/a", "web:/b"), 2, "exactly one of SOURCE and TARGET must be POD:PATH"),
        (("web:", "b"), 2, "'web:': must be POD:PATH or a path"),
        (("/no/such", "web:/tmp"), 2, "/no/such: no such file or directory"),
        (("web:/no/such", "."), 1, "tar: /no: Cannot open: No such file or directory"),
        (("web:/etc", "/no/such/place"), 2, "/no/such: no such directory"),
        (("nobody:/etc", "."), 1, 'pods "nobody" not found'),
    ],
)
def test_cp_tells_what_is_wrong(
    labctl: Labctl, space: str, words: tuple[str, ...], code: int, message: str
) -> None:
    result = labctl("cp", *words, "-n", space)
    assert (result.code, message in result.err) == (code, True), result.err


def forwarded(process: "subprocess.Popen[str]", count: int) -> list[int]:
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(count)]
    return [int(re.findall(r"127\.0\.0\.1:(\d+) ->", line)[0]) for line in lines]


def ask(port: int, data: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), 20) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while part := connection.recv(4096):
            answer += part
        return answer


def test_tcp_and_udp_are_forwarded_side_by_side(labctl: Labctl, space: str) -> None:
    words = ("port-forward", "web", ":http", "0:dns/udp", ":81", "-n", space)
    with started(labctl, *words) as process:
        http, dns, none = forwarded(process, 3)
        for _ in range(3):
            assert b'"pod":"web"' in ask(http, b"GET / HTTP/1.0\r\n\r\n")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(20)
            for text in (b"one", b"two"):
                client.sendto(text, ("127.0.0.1", dns))
                assert b'"protocol":"UDP"' in client.recv(4096)
        assert ask(none, b"") == b""
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("error: forwarding to port 81: failed to connect to localhost:81")
        assert "connection refused" in line
        assert b'"pod":"web"' in ask(http, b"GET / HTTP/1.0\r\n\r\n")
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130


def test_a_datagram_that_nobody_takes_is_told(labctl: Labctl, space: str) -> None:
    with started(labctl, "port-forward", "web", ":99/udp", "-n", space) as process:
        (port,) = forwarded(process, 1)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.sendto(b"x", ("127.0.0.1", port))
        assert process.stdout is not None
        assert process.stdout.readline() == "error: forwarding to port 99/udp: connection refused\n"


def test_a_service_port_leads_to_its_target(labctl: Labctl, space: str) -> None:
    with started(labctl, "port-forward", "svc/web", ":8080", "-n", space) as process:
        (port,) = forwarded(process, 1)
        assert b'"port":80' in ask(port, b"GET / HTTP/1.0\r\n\r\n")


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("web", "x"), 2, "pod web has no tcp port named 'x'"),
        (("web", "1:2:3"), 2, "port '1:2:3': must be [LOCAL:]REMOTE[/udp]"),
        (("web", "70000"), 2, "port '70000'"),
        (("web", "80/sctp"), 2, "the protocol must be tcp or udp"),
        (("svc/web", "80"), 2, "service web has no tcp port 80"),
        (("nobody", "80"), 1, 'pods "nobody" not found'),
        (("web", "80", "--address", "203.0.113.77"), 1, "cannot listen on 203.0.113.77:80"),
    ],
)
def test_port_forward_tells_what_is_wrong(
    labctl: Labctl, space: str, words: tuple[str, ...], code: int, message: str
) -> None:
    result = labctl("port-forward", *words, "-n", space)
    assert (result.code, message in result.err) == (code, True), result.err


def test_a_pod_that_goes_takes_its_connections_along(labctl: Labctl, space: str) -> None:
    """A socket in the pod's namespace would keep it alive, and deleting would not come to an end."""
    labctl.ok("run", "goes", "--image", "nginx", "--port", "80", "-n", space)
    labctl.ok("wait", "--for=condition=Ready", "pod/goes", "-n", space)
    with started(labctl, "port-forward", "goes", ":80", "-n", space) as process:
        (port,) = forwarded(process, 1)
        with socket.create_connection(("127.0.0.1", port), 20) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert b'"pod":"goes"' in connection.recv(4096)
            labctl.ok("delete", "pod", "goes", "-n", space)
            assert connection.recv(4096) == b""


TELLER = """\
apiVersion: v1
kind: Pod
metadata: {name: teller}
spec:
  restartPolicy: OnFailure
  terminationGracePeriodSeconds: 0
  volumes: [{name: shared, emptyDir: {}}]
  containers:
  - name: again
    image: busybox
    volumeMounts: [{name: shared, mountPath: /shared}]
    command: [sh, -c, "if mkdir /shared/once 2>/dev/null; then echo first; exit 1; fi; echo second; sleep 1000"]
  - {name: quiet, image: busybox, command: [sh, -c, "echo quiet; sleep 1000"]}
"""


def test_logs_are_chosen_from(labctl: Labctl, space: str) -> None:
    def logs(*words: str) -> str:
        return labctl.ok("logs", "teller", "-n", space, *words)

    labctl.ok("apply", "-f", "-", "-n", space, stdin=TELLER)
    until(lambda: logs("-c", "again") == "second\n")
    assert logs("-c", "again", "--previous") == "first\n"
    until(lambda: logs("--all-containers") == "second\nquiet\n")
    assert logs("-c", "quiet", "--since=1h", "--tail=1") == "quiet\n"
    assert re.fullmatch(r"20[^ ]+Z quiet\n", logs("-c", "quiet", "--timestamps"))
    none = labctl("logs", "teller", "-c", "quiet", "--previous", "-n", space)
    assert (none.code, none.out) == (1, "")
    assert 'previous terminated container "quiet" in pod "teller" not found' in none.err
    with started(labctl, "logs", "-f", "teller", "-c", "quiet", "-n", space) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "quiet\n"
        labctl.ok("delete", "pod", "teller", "-n", space)
        assert process.wait(20) == 0, "it ends with the container"


def test_a_pod_without_a_node_has_no_log_yet(labctl: Labctl, space: str) -> None:
    manifest = (
        "{apiVersion: v1, kind: Pod, metadata: {name: nowhere},"
        " spec: {nodeSelector: {no: where}, containers: [{name: c, image: none}]}}"
    )
    labctl.ok("apply", "-n", space, "-f", "-", stdin=manifest)
    until(lambda: "Pending" in labctl.ok("get", "pod", "nowhere", "-n", space))
    result = labctl("logs", "nowhere", "-n", space)
    assert (result.code, result.err.splitlines()[0]) == (1, "error: pod nowhere has no node yet")
