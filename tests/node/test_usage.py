"""What processes use: real ones, in a pid namespace of their own."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from labctl import names
from labctl.cgroups.group import Group, Usage
from labctl.cgroups.hierarchies import read_hierarchies
from labctl.cgroups.limits import Limits
from labctl.cri.messages import Container, ContainerConfig, Sandbox, SandboxConfig
from labctl.lab import cgroup
from labctl.node.stats.processes import usage_of_group, usage_of_process
from labctl.node.stats.summary import pod_stats
from tests.waiting import until

_MEBIBYTE = 1 << 20


@contextmanager
def _container(script: str) -> Iterator[Group]:
    """The cgroup of a shell that has said that it is ready."""
    lab = f"use{os.getpid()}"
    cgroup.create(lab)
    group = Group(read_hierarchies(), names.container_cgroup(lab, "s", "c", 0))
    group.make(Limits())
    enter = "".join(f"echo 0 > {one}; " for one in _entrances(lab))
    words = ("sh", "-c", f'{enter} exec sh -c "$0"', script)
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as shell:
        assert shell.stdout is not None
        try:
            assert shell.stdout.readline() == "ready\n"
            yield group
        finally:
            cgroup.kill(lab)
    cgroup.wait_empty(lab, 5)
    cgroup.remove(lab)


def _entrances(lab: str) -> list[str]:
    name = names.container_cgroup(lab, "s", "c", 0)
    return [f"{mount}/{name}/cgroup.procs" for mount in read_hierarchies().mounts]


def test_a_container_is_all_processes_of_its_cgroup() -> None:
    with _container("echo ready; sh -c 'while :; do :; done' & wait") as group:
        until(lambda: usage_of_group(group).cpu >= 100_000_000)
        assert len(group.members()) == 2
        assert usage_of_process(group.members()[0]).cpu < 100_000_000
        assert usage_of_group(group).memory > 0


def test_time_of_processes_that_ended_is_not_forgotten() -> None:
    burn = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done"
    with _container(f"sh -c '{burn}'; echo ready; sleep 60 & wait") as group:
        assert usage_of_group(group).cpu >= 50_000_000


def test_memory_is_what_a_process_holds() -> None:
    before = usage_of_process(os.getpid()).memory
    block = bytearray(64 * _MEBIBYTE)
    held = usage_of_process(os.getpid()).memory - before
    assert 60 * _MEBIBYTE < held < 70 * _MEBIBYTE
    assert len(block) == 64 * _MEBIBYTE


def test_a_process_that_is_gone_uses_nothing() -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    assert usage_of_process(gone.pid) == Usage()
    nobody = Group(read_hierarchies(), names.container_cgroup("nobody", "s", "c", 0))
    assert usage_of_group(nobody) == Usage()


def test_a_pod_is_its_containers_and_its_pause() -> None:
    config = SandboxConfig("web", "default", "u1")
    sandbox = Sandbox("u1-0", config, 7, "/proc/7/ns/net", "ready", 1000.0)
    program = Container("a", "u1-0", ContainerConfig("app"), "running", pid=8, started_at=1001.0)
    stand_in = Container("b", "u1-0", ContainerConfig("web"), "running", stand_in=True)
    (pod,) = pod_stats(
        [sandbox], [program, stand_in], {"u1-0": Usage(1, 10)}, {"a": Usage(5, 100)}, 1002.5
    )
    assert pod["podRef"] == {"name": "web", "namespace": "default", "uid": "u1"}
    assert (pod["cpu"]["usageCoreNanoSeconds"], pod["memory"]["workingSetBytes"]) == (6, 110)
    app, web = pod["containers"]
    assert (app["name"], app["startTime"]) == ("app", "1970-01-01T00:16:41Z")
    assert app["cpu"] == {"time": "1970-01-01T00:16:42.500000Z", "usageCoreNanoSeconds": 5}
    assert web["memory"]["workingSetBytes"] == 0
