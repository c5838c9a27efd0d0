"""Promise: `up` and `down` may be killed at any moment; what they left is taken up, or taken away.

A moment is when something is seen to be made, or to be gone; beside the named ones there are some
of a seed. The one that is killed gets SIGKILL, and what it started goes on or ends by itself.
"""

import contextlib
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator

import pytest

from labctl import names
from labctl.lab import cgroup, inventory, lock, processes
from labctl.net import namespaces
from tests.command import PROGRAM, Labctl
from tests.waiting import until

Moment = Callable[[str], bool]

_SEED = 20240602
_SECONDS = 30.0


def pins(lab: str) -> int:
    return len(namespaces.pinned(names.netns_prefix(lab)))


def is_old(lab: str, name: str) -> bool:
    """Whether what is recorded under that name is dead, or is not there."""
    found = [one for one in processes.read_record(lab).processes if one.name == name]
    return not any(map(processes.is_alive, found))


def later(seconds: float) -> Moment:
    began: list[float] = []

    def comes(_lab: str) -> bool:
        began[:] = began or [time.monotonic()]
        return time.monotonic() - began[0] >= seconds

    return comes


def by_seed(longest: float, count: int) -> dict[str, Moment]:
    dice = random.Random(_SEED)
    times = [dice.uniform(0, longest) for _ in range(count)]
    return {f"after {seconds:.3f} s": later(seconds) for seconds in times}


MAKING: dict[str, Moment] = {
    "locked": lambda lab: lock.lock_file(lab).exists(),
    "cgroup": cgroup.exists,
    "directories": lambda lab: names.log_dir(lab).exists(),
    "stored": lambda lab: names.lab_file(lab).exists(),
    "first key": lambda lab: any(names.pki_dir(lab).glob("*")),
    "fabric": lambda lab: pins(lab) > 0,
    "first node": lambda lab: namespaces.pinned(names.node_netns(lab, "")) != (),
    "all namespaces": lambda lab: pins(lab) == 5,
    "supervisor": lambda lab: processes.supervisor_of(lab) is not None,
    "API": lambda lab: names.api_socket(lab).exists(),
    "agents": lambda lab: not is_old(lab, "agent-node2"),
    **by_seed(1.5, 3),
}
TAKING: dict[str, Moment] = {
    "begun": lambda lab: lock.lock_file(lab).exists(),
    "first process dead": lambda lab: is_old(lab, "control-plane") or is_old(lab, "agent-node1"),
    "supervisor dead": lambda lab: is_old(lab, "supervisor"),
    "no process": lambda lab: not cgroup.members(lab),
    "first pin gone": lambda lab: pins(lab) < 5,
    "all pins gone": lambda lab: pins(lab) == 0,
    "run directory gone": lambda lab: not names.run_dir(lab).exists(),
    "lab file gone": lambda lab: not names.lab_file(lab).exists(),
    "store gone": lambda lab: not names.store_file(lab).exists(),
    "state gone": lambda lab: not names.state_dir(lab).exists(),
    **by_seed(0.5, 3),
}


@pytest.fixture
def labctl() -> Iterator[Labctl]:
    """The command line for a lab that is not there, and leaves no trace."""
    one = Labctl(f"in{os.getpid()}")
    before = inventory.take(one.lab)
    yield one
    one.ok("down")
    until(lambda: not [line for line in before.difference(inventory.take(one.lab)) if ours(line)])


def ours(line: str) -> bool:
    return "labctl-test" not in line


def killed(labctl: Labctl, moment: Moment, *words: str) -> None:
    """Runs the command and kills it at that moment; it may be over before."""
    command = [str(PROGRAM), "--lab", labctl.lab, *words]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as done:
        deadline = time.monotonic() + _SECONDS
        while done.poll() is None and not moment(labctl.lab):
            assert time.monotonic() < deadline
        done.kill()


def assert_whole(labctl: Labctl) -> None:
    assert labctl.ok("status", "-o", "jsonpath={.healthy}") == "true"
    assert labctl.ok("plan", "node1") == labctl.ok("plan", "node2") == ""


@pytest.mark.parametrize("moment", MAKING.values(), ids=MAKING)
def test_up_takes_up_what_an_up_that_was_killed_left(labctl: Labctl, moment: Moment) -> None:
    killed(labctl, moment, "up", "--nodes", "2")
    labctl.ok("up", "--nodes", "2")
    assert_whole(labctl)


@pytest.mark.parametrize("moment", MAKING.values(), ids=MAKING)
def test_down_takes_away_what_an_up_that_was_killed_left(labctl: Labctl, moment: Moment) -> None:
    killed(labctl, moment, "up", "--nodes", "2")
    labctl.ok("down")
    assert labctl("status").code == 3


@pytest.fixture
def lab_with_pods(labctl: Labctl) -> Labctl:
    labctl.ok("up", "--nodes", "2")
    labctl.ok("create", "deployment", "web", "--image", "nginx", "--replicas", "2")
    labctl.ok("rollout", "status", "deployment/web")
    return labctl


@pytest.mark.parametrize("moment", TAKING.values(), ids=TAKING)
def test_down_goes_on_where_a_down_was_killed(lab_with_pods: Labctl, moment: Moment) -> None:
    killed(lab_with_pods, moment, "down")
    lab_with_pods.ok("down")
    assert lab_with_pods("status").code == 3


@pytest.mark.parametrize("moment", TAKING.values(), ids=TAKING)
def test_up_after_a_down_that_was_killed_makes_the_old_lab_or_a_new_one(
    lab_with_pods: Labctl, moment: Moment
) -> None:
    """And nothing between: either all objects are there, or none."""
    killed(lab_with_pods, moment, "down")
    is_there = names.lab_file(lab_with_pods.lab).exists()
    lab_with_pods.ok("up", "--nodes", "2")
    found = lab_with_pods.ok("get", "deployments", "-o", "name").split()
    assert found == (["deployment.apps/web"] if is_there else [])
    until(lambda: lab_with_pods("status", "-o", "jsonpath={.healthy}").out == "true")
    assert_whole(lab_with_pods)


_REVIVING: dict[str, Moment] = {
    "stored": later(0.0),
    "supervisor": lambda lab: processes.supervisor_of(lab) is not None,
    "control plane": lambda lab: not is_old(lab, "control-plane"),
    "agents": lambda lab: not is_old(lab, "agent-node2"),
    **by_seed(1.0, 4),
}


def test_an_up_of_a_wreck_may_be_killed_again_and_again_and_no_pod_notices(
    lab_with_pods: Labctl,
) -> None:
    def life() -> object:
        return [
            lab_with_pods("ps", "-o", "json").json["items"],
            lab_with_pods.ok("get", "pods", "-o", "jsonpath={..containerStatuses}"),
        ]

    before = life()
    for moment in _REVIVING.values():
        for process in processes.read_record(lab_with_pods.lab).processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
        killed(lab_with_pods, moment, "up")
    lab_with_pods.ok("up")
    assert life() == before
    lab_with_pods.ok("verify", "--protocol", "icmp")
