"""A tool container in a pod: labctl's own command for it, and kubectl's."""

import os
import pty
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.command import PROGRAM, Labctl
from tests.streams.kubectls import PROGRAMS, Kubectl

PODS = """\
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: NS}
spec:
  terminationGracePeriodSeconds: 0
  containers: [{name: web, image: nginx, ports: [{containerPort: 80}]}]
---
apiVersion: v1
kind: Pod
metadata: {name: worker, namespace: NS}
spec:
  terminationGracePeriodSeconds: 0
  containers: [{name: main, image: busybox, command: [sleep, "12345"]}]
---
apiVersion: v1
kind: Pod
metadata: {name: nowhere, namespace: NS}
spec:
  nodeSelector: {kubernetes.io/hostname: none}
  containers: [{name: main, image: busybox}]
---
apiVersion: v1
kind: Pod
metadata: {name: over, namespace: NS}
spec:
  restartPolicy: Never
  containers: [{name: main, image: busybox, command: ["true"]}]
"""

_FIRST_WITH_DEBUG = 25


@pytest.fixture(scope="module")
def space(labctl: Labctl) -> Iterator[str]:
    """A namespace with a stand-in, `web`, and a program, `worker`."""
    name = f"debug-{os.getpid()}"
    labctl.ok("create", "namespace", name)
    labctl.ok("apply", "-f", "-", stdin=PODS.replace("NS", name))
    labctl.ok("wait", "--for=condition=Ready", "pod/web", "pod/worker", "-n", name)
    labctl.ok("wait", "--for=jsonpath={.status.phase}=Succeeded", "pod/over", "-n", name)
    yield name
    labctl.ok("delete", "namespace", name)


def test_a_command_runs_in_the_pods_network_and_its_code_is_labctls(
    labctl: Labctl, space: str
) -> None:
    address = labctl.ok("get", "pod", "web", "-n", space, "-o", "jsonpath={.status.podIP}")
    script = "ip -o -4 addr show eth0; echo err >&2; exit 7"
    done = labctl("debug", "web", "-n", space, "--", "sh", "-c", script)
    assert done.code == 7
    assert f" {address}/24 " in done.out
    served = labctl.ok("debug", "web", "-n", space, "--", "curl", "-s", "127.0.0.1/hello")
    assert '"pod":"web"' in served


def test_it_sees_the_processes_of_its_target(labctl: Labctl, space: str) -> None:
    command = ("--", "ps", "-eo", "args=")
    assert "sleep 12345" in labctl.ok("debug", "worker", "-n", space, "-c", "main", *command)
    assert "sleep 12345" not in labctl.ok("debug", "worker", "-n", space, *command)


def test_it_passes_stdin_on_and_without_it_there_is_none(labctl: Labctl, space: str) -> None:
    cat = ("debug", "web", "-n", space, "--", "cat")
    assert labctl.ok(*cat) == ""
    assert labctl.ok("debug", "-i", *cat[1:], stdin="one\ntwo\n") == "one\ntwo\n"


def test_it_may_change_the_pods_network(labctl: Labctl, space: str) -> None:
    labctl.ok("debug", "web", "-n", space, "--", "ip", "addr", "add", "10.99.0.1/32", "dev", "lo")
    assert "10.99.0.1" in labctl.ok("exec", "web", "-n", space, "--", "ip", "addr", "show", "lo")


def test_what_is_wrong_is_said(labctl: Labctl, space: str) -> None:
    for words, said in (
        (("web", "--", "no-such-tool"), 'error: exec: "no-such-tool": executable file not found'),
        (("web", "-c", "nobody", "--", "true"), 'Not found: "nobody"'),
        (("nobody", "--", "true"), 'pods "nobody" not found'),
        (("nowhere", "--", "true"), "pod nowhere has no node yet"),
        (("over", "--", "true"), "pod over has ended (Succeeded)"),
    ):
        done = labctl("debug", words[0], "-n", space, *words[1:])
        assert done.code != 0
        assert said in done.err
        assert "Traceback" not in done.err


def test_a_shell_has_a_terminal(labctl: Labctl, space: str) -> None:
    said = _type(labctl, space, b"tty; exit 3\n")
    assert b"/dev/pts/0" in said


def _type(labctl: Labctl, space: str, keys: bytes) -> bytes:
    """What a shell on a terminal answers; it must end with 3."""
    pid, master = pty.fork()
    if pid == 0:
        os.environ["LABCTL_LAB"] = labctl.lab
        os.execv(PROGRAM, [str(PROGRAM), "debug", "-it", "web", "-n", space])
    said = b""
    os.write(master, keys)  # they wait until the shell reads them
    try:
        while chunk := os.read(master, 4096):
            said += chunk
    except OSError:  # EIO: nobody has the terminal any more
        pass
    os.close(master)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 3, said
    return said


@pytest.mark.parametrize("minor", [one for one in PROGRAMS if one >= _FIRST_WITH_DEBUG])
def test_kubectl_debug(labctl: Labctl, space: str, tmp_path: Path, minor: int) -> None:
    program = PROGRAMS[minor]
    config = tmp_path / "config"
    labctl.ok("kubeconfig", "--write", str(config))
    kubectl = Kubectl(program, config)
    own = f"tool-{minor}"
    options = ("--image=busybox", "--target=main", f"--container={own}", "-n", space)
    look = "read line; echo got $line; ps -eo args= | grep '^sleep 12345'"
    said = kubectl.ok("debug", "-i", "worker", *options, "--", "sh", "-c", look, stdin=b"this\n")
    logs = labctl.ok("logs", "worker", "-c", own, "-n", space)
    assert logs == "got this\nsleep 12345\n"
    assert b"got this" in said or said == b""  # it can be over before kubectl has joined it
    described = kubectl.ok("describe", "pod", "worker", "-n", space).decode()
    assert "Ephemeral Containers:\n" in described
    assert f"  {own}:\n" in described
