"""From nothing to a lab and back to nothing, however it ends."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from labctl import names
from labctl.lab import cgroup, inventory, processes
from tests.command import PROGRAM, Labctl
from tests.waiting import until


@pytest.fixture
def labctl() -> Iterator[Labctl]:
    """The command line for a lab that is not there, and at the end leaves no trace."""
    one = Labctl(f"ud{os.getpid()}")
    before = inventory.take(one.lab)
    yield one
    one.ok("down")
    # zombies stay until init reaps them, in its own time
    until(lambda: not left(before, one.lab))


def left(before: inventory.Inventory, lab: str) -> list[str]:
    """What is there now and was not before; namespaces of other tests come and go meanwhile."""
    found = before.difference(inventory.take(lab))
    return [line for line in found if "labctl-test" not in line]


POD_IN_NO_NAMESPACE = """
apiVersion: v1
kind: Pod
metadata: {name: lost, namespace: nowhere}
spec: {containers: [{name: c, image: i}]}
"""


def pids(lab: str) -> dict[str, int]:
    return {one.name: one.pid for one in processes.read_record(lab).processes}


def test_up_makes_a_lab_again_changes_nothing_and_down_leaves_nothing(labctl: Labctl) -> None:
    labctl.ok("up")
    first = pids(labctl.lab)
    assert set(first) == {
        "supervisor", "control-plane", "runtime", "agent-node1", "agent-node2", "agent-node3",
    }  # fmt: skip
    labctl.ok("up")
    assert pids(labctl.lab) == first
    labctl.ok("create", "deployment", "web", "--image", "nginx", "--replicas", "3")
    labctl.ok("rollout", "status", "deployment/web")
    labctl.ok("down")
    assert labctl.ok("down") == ""
    assert labctl("status").code == 3


def test_everything_of_a_lab_is_where_the_contract_says(labctl: Labctl) -> None:
    labctl.ok("up", "--nodes", "1")
    titles = [
        Path(f"/proc/{pid}/cmdline").read_text().rstrip("\0") for pid in cgroup.members(labctl.lab)
    ]
    lab = labctl.lab
    assert sorted(titles) == [
        f"labctl: {lab} agent node1",
        f"labctl: {lab} control-plane",
        f"labctl: {lab} runtime",
        f"labctl: {lab} supervisor",
    ]
    pinned = {pin.name for pin in names.NETNS_DIR.glob(f"labctl.{lab}.*")}
    ends = ("fabric", "outside", "control-plane", "node.node1")
    assert pinned == {f"labctl.{lab}.{end}" for end in ends}
    for directory in (names.run_dir(lab), names.state_dir(lab)):
        assert directory.stat().st_mode & 0o777 == 0o700


def test_up_with_bad_input_or_a_failure_half_way_leaves_nothing(labctl: Labctl) -> None:
    assert labctl("up", "--nodes", "0").code == 2
    assert (
        labctl("up", "-", stdin="kind: Lab\napiVersion: labctl.io/v1alpha1\nspec: {x: 1}").code == 2
    )
    failed = labctl("up", "-", stdin=POD_IN_NO_NAMESPACE)
    assert failed.code == 1
    assert failed.err.endswith('error: namespaces "nowhere" not found\n')
    assert not names.state_dir(labctl.lab).exists()
    assert cgroup.members(labctl.lab) == []


@pytest.mark.parametrize("seconds", [0.2, 0.5, 0.8, 1.1])
def test_down_takes_away_what_an_up_that_was_killed_left(labctl: Labctl, seconds: float) -> None:
    with subprocess.Popen(
        [PROGRAM, "up", "--lab", labctl.lab], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as up:
        try:
            up.wait(seconds)
        except subprocess.TimeoutExpired:
            up.kill()
    labctl.ok("down")


def test_up_after_everything_was_killed_brings_the_lab_back(labctl: Labctl) -> None:
    labctl.ok("up", "--nodes", "2")
    labctl.ok("create", "deployment", "web", "--image", "nginx", "--replicas", "4")
    labctl.ok("run", "program", "--image", "x", "--", "sleep", "1000")
    labctl.ok("rollout", "status", "deployment/web")
    labctl.ok("wait", "--for=condition=Ready", "pod/program")
    cgroup.kill(labctl.lab)
    cgroup.wait_empty(labctl.lab, 5)
    assert labctl("get", "pods").code == 3
    labctl.ok("up")
    labctl.ok("wait", "--for=jsonpath={..restartCount}=1", "pod/program")
    labctl.ok("wait", "--for=condition=Ready", "pod", "--all")
    assert labctl.ok("verify", "--protocol", "icmp", "-o", "jsonpath={.passed}") == "true"


def test_up_after_a_reboot_brings_the_same_lab_back(labctl: Labctl) -> None:
    labctl.ok("up", "--nodes", "2", "--backend", "vxlan")
    labctl.ok("create", "deployment", "web", "--image", "nginx", "--replicas", "2")
    labctl.ok("rollout", "status", "deployment/web")
    uid = labctl.ok("get", "deployment", "web", "-o", "jsonpath={.metadata.uid}")
    cgroup.kill(labctl.lab)
    cgroup.wait_empty(labctl.lab, 5)
    state = names.state_dir(labctl.lab)
    kept = state.rename(state.with_name(f"{state.name}.kept"))
    labctl.ok("down")  # all of /run goes, as with the power
    kept.rename(state)
    assert "Down" in labctl.ok("list")
    labctl.ok("up")
    labctl.ok("wait", "--for=condition=Ready", "pod", "--all")
    assert labctl.ok("get", "deployment", "web", "-o", "jsonpath={.metadata.uid}") == uid
    assert labctl.ok("verify", "--protocol", "icmp", "-o", "jsonpath={.passed}") == "true"


def test_up_starts_anew_what_lost_its_records(labctl: Labctl) -> None:
    labctl.ok("up", "--nodes", "1")
    labctl.ok("run", "web", "--image", "nginx")
    labctl.ok("wait", "--for=condition=Ready", "pod/web")
    before = set(cgroup.members(labctl.lab))
    shutil.rmtree(names.run_dir(labctl.lab))
    labctl.ok("up")
    assert not before & set(cgroup.members(labctl.lab))
    labctl.ok("wait", "--for=condition=Ready", "pod/web")


def test_down_does_not_wait_for_a_process_that_ignores_signals(labctl: Labctl) -> None:
    labctl.ok("up", "--nodes", "1")
    command = ["sh", "-c", "trap '' TERM INT; while :; do sleep 1; done"]
    labctl.ok("run", "stubborn", "--image", "x", "--", *command)
    labctl.ok("wait", "--for=condition=Ready", "pod/stubborn")
    os.kill(pids(labctl.lab)["supervisor"], signal.SIGSTOP)
    labctl.ok("down")
