"""The supervisor keeps a lab's processes alive, dies without consequence, and is replaced."""

import os
import signal
import socket
import subprocess
from typing import Any

import pytest

from labctl import names
from labctl.errors import LabError, NoSuchLab
from labctl.lab import control, processes
from tests.command import Labctl
from tests.conftest import MakeLab
from tests.waiting import until


@pytest.fixture(scope="module")
def labctl(make_lab: MakeLab) -> Labctl:
    """A lab of two nodes with a Deployment on them, to be hurt."""
    one = make_lab("--nodes", "2")
    one.ok("create", "deployment", "web", "--image", "nginx", "--replicas", "2")
    one.ok("rollout", "status", "deployment/web")
    return one


def pid_of(labctl: Labctl, name: str) -> int | None:
    found = {one.name: one for one in processes.read_record(labctl.lab).processes}
    process = found.get(name)
    return process.pid if process is not None and processes.is_alive(process) else None


def kill(labctl: Labctl, name: str) -> int:
    pid = pid_of(labctl, name)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    until(lambda: pid_of(labctl, name) != pid)
    return pid


@pytest.mark.parametrize("name", ["agent-node1", "runtime", "control-plane"])
def test_what_is_killed_is_back_within_a_second(labctl: Labctl, name: str) -> None:
    pid = kill(labctl, name)
    until(lambda: pid_of(labctl, name) not in (None, pid), seconds=1)
    found = control.request(labctl.lab, "status")["processes"]
    (process,) = (one for one in found if one["name"] == name)
    assert process["restarts"] >= 1
    assert process["state"] == "running"
    labctl.ok("up")


def test_pods_do_not_notice(labctl: Labctl) -> None:
    before = labctl.ok("ps", "-o", "jsonpath={.items[*].pid}")
    for name in ("agent-node2", "runtime"):
        kill(labctl, name)
    until(lambda: labctl("ps").code == 0)
    assert labctl.ok("ps", "-o", "jsonpath={.items[*].pid}") == before


def test_an_agent_killed_by_a_fault_stays_dead_until_it_is_started(labctl: Labctl) -> None:
    labctl.ok("fault", "kill-agent", "node2")
    assert pid_of(labctl, "agent-node2") is None
    refused = labctl("up")
    assert refused.code == 1
    assert "error: the agent of node2 was killed by a fault" in refused.err
    assert f"hint: labctl --lab {labctl.lab} fault start-agent node2" in refused.err
    kill(labctl, "supervisor")
    assert labctl("up").code == 1  # the next supervisor knows of it too
    assert pid_of(labctl, "agent-node2") is None
    labctl.ok("fault", "start-agent", "node2")
    labctl.ok("up")
    assert pid_of(labctl, "agent-node2") is not None


def test_when_the_supervisor_is_killed_the_rest_goes_on_and_is_adopted(labctl: Labctl) -> None:
    others = ("control-plane", "runtime", "agent-node1", "agent-node2")
    before = {name: pid_of(labctl, name) for name in others}
    kill(labctl, "supervisor")
    assert labctl("get", "pods").code == 0
    assert labctl.ok("status", "-o", "jsonpath={.phase}") == "Degraded"
    labctl.ok("up")
    assert {name: pid_of(labctl, name) for name in others} == before
    assert labctl.ok("status", "-o", "jsonpath={.healthy}") == "true"
    killed = kill(labctl, "agent-node1")  # which is not the new supervisor's child
    until(lambda: pid_of(labctl, "agent-node1") not in (None, killed), seconds=1)
    labctl.ok("up")


def test_sigterm_ends_the_supervisor_and_nothing_else(labctl: Labctl) -> None:
    before = pid_of(labctl, "agent-node1")
    supervisor = pid_of(labctl, "supervisor")
    assert supervisor is not None
    os.kill(supervisor, signal.SIGTERM)
    until(lambda: pid_of(labctl, "supervisor") is None)
    labctl.ok("up")
    assert pid_of(labctl, "agent-node1") == before


def test_a_cable_that_is_cut_stays_cut_until_it_is_mended(labctl: Labctl) -> None:
    labctl.ok("fault", "cut", "node2")
    assert labctl("ping", "node/node1", "node/node2", "-c", "1", "-W", "0.2").code == 1
    refused = labctl("up")
    assert refused.code == 1
    assert "error: the cable of node2 was cut by a fault" in refused.err
    assert labctl("ping", "node/node1", "node/node2", "-c", "1", "-W", "0.2").code == 1
    labctl.ok("fault", "mend", "node2")
    assert labctl("ping", "node/node1", "node/node2", "-c", "1").code == 0
    labctl.ok("up")


@pytest.mark.parametrize(
    ("command", "arguments", "complaint"),
    [
        ("nonsense", {}, "unknown command 'nonsense'"),
        ("kill-agent", {"node": "nobody"}, "there is no node 'nobody'"),
        ("kill-agent", {}, "bad request"),
    ],
)
def test_a_bad_request_is_refused_and_harms_nothing(
    labctl: Labctl, command: str, arguments: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(LabError, match=complaint):
        control.request(labctl.lab, command, **arguments)
    assert control.request(labctl.lab, "status")["processes"]


def test_junk_on_the_socket_is_answered_with_an_error(labctl: Labctl) -> None:
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(str(names.supervisor_socket(labctl.lab)))
        peer.sendall(b"\xff\x00 junk\n[]\n")
        peer.settimeout(5)
        answers = peer.makefile("rb")
        assert b'"error"' in answers.readline()
        assert b'"error"' in answers.readline()
        answers.close()


def test_nobody_but_root_gets_at_the_lab(labctl: Labctl) -> None:
    lab = labctl.lab
    doors = (names.supervisor_socket(lab), names.api_socket(lab), names.runtime_socket(lab))
    secrets = (names.pki_dir(lab) / "ca.key", names.kubeconfig_file(lab), names.store_file(lab))
    program = f"""
import os, socket
os.setgroups([]); os.setgid(65534); os.setuid(65534)
def connect(path):
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(path)
attempts = [(connect, path) for path in {list(map(str, doors))!r}]
attempts += [(open, path) for path in {list(map(str, secrets))!r}]
for attempt, path in attempts:
    try:
        attempt(path)
    except PermissionError:
        continue
    raise SystemExit(path)
"""
    assert all(path.exists() for path in (*doors, *secrets))
    subprocess.run(["/usr/bin/python3", "-c", program], check=True)


def test_a_lab_that_is_not_there_has_no_supervisor() -> None:
    with pytest.raises(NoSuchLab, match="is not up"):
        control.request("none-such", "status")
