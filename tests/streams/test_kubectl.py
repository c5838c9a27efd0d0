"""exec, attach, cp, run, port-forward and logs with real kubectls, whichever transport they take."""

import os
import pty
import re
import select
import signal
import socket
import subprocess
import termios
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.streams.kubectls import Kubectl
from tests.waiting import until


def test_exec_has_both_outputs_and_the_exit_code(kubectl: Kubectl, space: str) -> None:
    done = kubectl("exec", "web", "-n", space, "--", "sh", "-c", "echo out; echo err >&2; exit 3")
    assert (done.returncode, done.stdout) == (3, b"out\n")
    assert done.stderr == b"err\ncommand terminated with exit code 3\n"


def test_exec_passes_stdin_on_to_its_end(kubectl: Kubectl, space: str) -> None:
    data = os.urandom(3_000_000)
    command = ("exec", "-i", "talk", "-c", "quiet", "-n", space, "--", "cat")
    assert kubectl.ok(*command, stdin=data) == data
    # what reads only the beginning ends, though more is on its way
    head = ("exec", "-i", "web", "-n", space, "--", "head", "-c", "10")
    assert kubectl.ok(*head, stdin=data) == data[:10]


def test_exec_tells_what_is_wrong(kubectl: Kubectl, space: str) -> None:
    for words, message in (
        (("web", "-c", "none"), b"container none is not valid for pod web"),
        (("nobody",), b'pods "nobody" not found'),
    ):
        done = kubectl("exec", *words, "-n", space, "--", "true")
        assert done.returncode == 1, done
        assert message in done.stderr
    assert kubectl("exec", "web", "-n", space, "--", "no-such-program").returncode == 127


@contextmanager
def terminal(kubectl: Kubectl, *words: str) -> Iterator[tuple[int, "subprocess.Popen[bytes]"]]:
    """Kubectl on a terminal of 33 x 90, of which the test has the master."""
    master, slave = pty.openpty()
    termios.tcsetwinsize(slave, (33, 90))
    with subprocess.Popen(
        [kubectl.program, *words],
        stdin=slave, stdout=slave, stderr=slave, env=kubectl._env, start_new_session=True,
    ) as process:  # fmt: skip
        os.close(slave)
        try:
            yield master, process
        finally:
            process.kill()
            os.close(master)


def read_until(master: int, wanted: bytes, nudge: Callable[[], object] = lambda: None) -> bytes:
    """What comes up to `wanted`; `nudge` is done again and again meanwhile."""
    said, deadline = b"", time.monotonic() + 20
    while wanted not in said:
        assert time.monotonic() < deadline, said
        nudge()
        if select.select([master], [], [], 0.5)[0]:
            said += os.read(master, 4096)
    return said


def test_a_terminal_has_a_size_that_changes_and_an_exit_code(kubectl: Kubectl, space: str) -> None:
    script = "stty size; trap 'stty size' WINCH; trap 'exit 9' INT; echo up; while :; do sleep 0.02; done"
    with terminal(kubectl, "exec", "-it", "web", "-n", space, "--", "bash", "-c", script) as (
        master,
        process,
    ):
        said = read_until(master, b"up")
        if b"33 90" not in said:  # the size comes on a stream of its own, perhaps just later
            assert b"33 90" in read_until(master, b"33 90")
        termios.tcsetwinsize(master, (40, 100))
        # kubectl may not listen for the signal yet
        read_until(master, b"40 100", lambda: process.send_signal(signal.SIGWINCH))
        os.write(master, b"\x03")
        assert process.wait(20) == 9


def test_files_and_directories_are_copied_both_ways(
    kubectl: Kubectl, space: str, tmp_path: Path
) -> None:
    data = os.urandom(3_000_000)
    (tmp_path / "there").write_bytes(data)
    (tmp_path / "tree" / "deep").mkdir(parents=True)
    (tmp_path / "tree" / "deep" / "leaf").write_text("leaf")
    for pod in ("web", "talk"):
        kubectl.ok("cp", str(tmp_path / "there"), f"{space}/{pod}:/tmp/big")
        kubectl.ok("cp", f"{space}/{pod}:/tmp/big", str(tmp_path / f"{pod}-back"))
        assert (tmp_path / f"{pod}-back").read_bytes() == data
        kubectl.ok("cp", str(tmp_path / "tree"), f"{space}/{pod}:/srv/tree")
        kubectl.ok("cp", f"{space}/{pod}:/srv/tree", str(tmp_path / f"{pod}-tree"))
        assert (tmp_path / f"{pod}-tree" / "deep" / "leaf").read_text() == "leaf"
        kubectl.ok("exec", pod, "-n", space, "--", "rm", "-r", "/srv/tree", "/tmp/big")


def test_attach_joins_what_runs(kubectl: Kubectl, space: str) -> None:
    command = ("attach", "-i", "talk", "-c", "talk", "-n", space)
    with kubectl.start(*command, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        said = b""
        while b"got me" not in said or b"err me" not in said:
            process.stdin.write(b"me\n")  # whoever attaches hears nothing of before
            process.stdin.flush()
            said += process.stdout.readline()
        process.kill()
    assert b"got me\n" in kubectl.ok("logs", "talk", "-c", "talk", "-n", space)


def test_run_attaches_and_removes(kubectl: Kubectl, space: str) -> None:
    script = "echo start; cat; echo end >&2; exit 4"
    words = ("run", "once", "-i", "--rm", "--restart=Never", "--image=busybox", "-n", space)
    done = kubectl(*words, "--", "sh", "-c", script, stdin=b"some input\n")
    assert done.returncode == 4
    assert done.stdout.startswith(b"start\nsome input\n")
    assert b"end\n" in done.stderr
    assert kubectl("get", "pod", "once", "-n", space).returncode == 1


def test_run_of_what_ends_at_once_shows_it(kubectl: Kubectl, space: str) -> None:
    words = ("run", "brief", "-i", "--rm", "--restart=Never", "--image=busybox", "-n", space)
    done = kubectl(*words, "--", "echo", "hello")
    assert done.returncode == 0
    assert b"hello\n" in done.stdout


def test_run_on_a_terminal(kubectl: Kubectl, space: str) -> None:
    words = ("run", "shell", "-it", "--rm", "--restart=Never", "--image=busybox", "-n", space)
    with terminal(kubectl, *words, "--", "sh", "-i") as (master, process):
        os.write(master, b"\n")
        read_until(master, b"# ")
        os.write(master, b"tty; echo $TERM $((40 + 2))\n")
        said = read_until(master, b"42\r\n")
        assert b"/dev/pts/0\r\n" in said
        assert b"xterm 42" in said
        os.write(master, b"exit 5\n")
        read_until(master, b"deleted")
        assert process.wait(20) == 5


@contextmanager
def forwarding(kubectl: Kubectl, space: str, *words: str) -> Iterator[dict[int, int]]:
    """Local ports by the pod's."""
    count = len([word for word in words if ":" in word])
    with kubectl.start("port-forward", *words, "-n", space, "--address=127.0.0.1") as process:
        assert process.stdout is not None
        ports: dict[int, int] = {}
        while len(ports) < count:
            line = process.stdout.readline().decode()
            found = re.search(r"127\.0\.0\.1:(\d+) -> (\d+)", line)
            assert found, line
            ports[int(found[2])] = int(found[1])
        try:
            yield ports
        finally:
            process.kill()


def get(port: int) -> bytes:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=20) as answer:
        body: bytes = answer.read()
        return body


def test_ports_are_forwarded_and_many_connections_at_once(kubectl: Kubectl, space: str) -> None:
    with forwarding(kubectl, space, "pod/web", ":80") as ports:
        with ExitStack() as stack:
            opened = [socket.create_connection(("127.0.0.1", ports[80]), 20) for _ in range(20)]
            for connection in opened:
                stack.enter_context(connection)
                connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
            for connection in opened:
                with connection.makefile("rb") as answer:
                    assert b'"pod":"web"' in answer.read()
        assert b'"pod":"web"' in get(ports[80])
    with forwarding(kubectl, space, "svc/web", ":8080") as ports:
        assert b'"pod":"web"' in get(ports[80])


def test_a_port_where_nobody_listens_is_told(kubectl: Kubectl, space: str) -> None:
    process = kubectl.start("port-forward", "pod/web", ":81", "-n", space, "--address=127.0.0.1")
    with process:
        assert process.stdout is not None
        line = process.stdout.readline().decode()
        port = int(re.findall(r":(\d+) ->", line)[0])
        said = b""
        while b"connection refused" not in said:
            with socket.create_connection(("127.0.0.1", port), 20) as connection:
                assert connection.recv(10) == b""
            while b"error forwarding port 81" not in said:
                said += process.stdout.readline()
        process.kill()


def test_logs_are_followed_and_chosen_from(kubectl: Kubectl, space: str) -> None:
    words = ("-n", space)
    assert kubectl("logs", "talk", "-c", "quiet", "--previous", *words).stderr.endswith(
        b'previous terminated container "quiet" in pod "talk" not found\n'
    )
    kubectl.ok("exec", "web", *words, "--", "curl", "-s", "127.0.0.1/marked")
    until(lambda: b"/marked" in kubectl.ok("logs", "web", *words))
    assert b"/marked" in kubectl.ok("logs", "-l", "app=web", "--tail=1", *words)
    assert b"/marked" in kubectl.ok("logs", "web", "--all-containers", "--since=1h", *words)
    assert kubectl.ok("logs", "web", "--timestamps", "--tail=1", *words)[:2] == b"20"
    assert (
        kubectl.ok("logs", "web", "--limit-bytes=5", *words)
        == kubectl.ok("logs", "web", *words)[:5]
    )
    with kubectl.start("logs", "-f", "web", "--tail=1", *words) as process:
        assert process.stdout is not None
        assert b"/marked" in process.stdout.readline()
        kubectl.ok("exec", "web", *words, "--", "curl", "-s", "127.0.0.1/later")
        assert b"/later" in process.stdout.readline()
        process.kill()
