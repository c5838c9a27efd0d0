"""The lab's cgroup, on the real hierarchy."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from labctl.errors import HostCannot, LabError
from labctl.lab import cgroup


@pytest.fixture
def lab() -> Iterator[str]:
    name = f"cg{os.getpid()}"
    cgroup.create(name)
    yield name
    cgroup.kill(name)
    cgroup.wait_empty(name, 5)
    cgroup.remove(name)


def sleeper(lab: str) -> int:
    """A process in the lab's cgroup, with a child that has left its session."""
    ready, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        cgroup.enter(lab, cgroup.PROCESSES)
        if os.fork() == 0:
            os.setsid()
            os.write(tell, b".")
        signal.pause()
        os._exit(0)
    os.read(ready, 1)
    return pid


def test_one_write_ends_everything_that_was_forked_in_it(lab: str) -> None:
    pid = sleeper(lab)
    assert len(cgroup.members(lab)) == 2
    cgroup.kill(lab, cgroup.PROCESSES)
    cgroup.wait_empty(lab, 5)
    assert cgroup.members(lab) == []
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL


def test_waiting_for_the_end_has_a_deadline_and_names_who_is_left(lab: str) -> None:
    pid = sleeper(lab)
    with pytest.raises(LabError, match=f"do not end: .*{pid}"):
        cgroup.wait_empty(lab, 0.05)
    cgroup.kill(lab)
    os.waitpid(pid, 0)


def test_a_cgroup_of_someone_else_is_left_alone(lab: str) -> None:
    foreign = f"{lab}x"
    cgroup.path(foreign).mkdir()
    try:
        assert foreign not in cgroup.labs()
        assert lab in cgroup.labs()
        with pytest.raises(HostCannot, match="is not labctl's"):
            cgroup.create(foreign)
        cgroup.remove(foreign)
        assert cgroup.path(foreign).exists()
    finally:
        cgroup.path(foreign).rmdir()


def test_removing_takes_what_is_below_too_and_is_idempotent(lab: str) -> None:
    (cgroup.path(lab) / cgroup.PROCESSES / "deeper").mkdir()
    cgroup.remove(lab)
    cgroup.remove(lab)
    assert not cgroup.path(lab).exists()
    cgroup.kill(lab)
    cgroup.wait_empty(lab, 0)


def test_the_hierarchy_is_where_the_kernel_says_it_is() -> None:
    assert (cgroup.hierarchy() / "cgroup.controllers").exists()
    assert Path("/proc/self/mountinfo").read_text().count(f" {cgroup.hierarchy()} ") >= 1
