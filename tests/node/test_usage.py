"""What processes use: real ones, in a pid namespace of their own."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from labctl.cri.messages import Container, ContainerConfig, Sandbox, SandboxConfig
from labctl.node.stats.processes import Usage, usage_of_containers, usage_of_process
from labctl.node.stats.summary import pod_stats
from tests.waiting import until

_MEBIBYTE = 1 << 20


@contextmanager
def _container(script: str) -> Iterator[int]:
    """The pid of a shell that is the first process of a pid namespace."""
    words = ("unshare", "--pid", "--fork", "--kill-child", "sh", "-c", script)
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as outer:
        assert outer.stdout is not None
        try:
            assert outer.stdout.readline() == "ready\n"
            children = Path(f"/proc/{outer.pid}/task/{outer.pid}/children").read_text()
            yield int(children)
        finally:
            outer.kill()


def test_a_container_is_all_processes_of_its_pid_namespace() -> None:
    with _container("echo ready; sh -c 'while :; do :; done' & wait") as pid:
        until(lambda: usage_of_containers([pid])[pid].cpu >= 100_000_000)
        assert usage_of_process(pid).cpu < 100_000_000
        assert usage_of_containers([pid])[pid].memory > 0


def test_time_of_processes_that_ended_is_not_forgotten() -> None:
    burn = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done"
    with _container(f"sh -c '{burn}'; echo ready; sleep 60 & wait") as pid:
        assert usage_of_containers([pid])[pid].cpu >= 50_000_000


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
    assert usage_of_containers([gone.pid]) == {}


def test_a_pod_is_its_containers_and_its_pause() -> None:
    config = SandboxConfig("web", "default", "u1")
    sandbox = Sandbox("u1-0", config, 7, "/proc/7/ns/net", "ready", 1000.0)
    program = Container("a", "u1-0", ContainerConfig("app"), "running", pid=8, started_at=1001.0)
    stand_in = Container("b", "u1-0", ContainerConfig("web"), "running", stand_in=True)
    (pod,) = pod_stats(
        [sandbox], [program, stand_in], {"u1-0": Usage(1, 10)}, {8: Usage(5, 100)}, 1002.5
    )
    assert pod["podRef"] == {"name": "web", "namespace": "default", "uid": "u1"}
    assert (pod["cpu"]["usageCoreNanoSeconds"], pod["memory"]["workingSetBytes"]) == (6, 110)
    app, web = pod["containers"]
    assert (app["name"], app["startTime"]) == ("app", "1970-01-01T00:16:41Z")
    assert app["cpu"] == {"time": "1970-01-01T00:16:42.500000Z", "usageCoreNanoSeconds": 5}
    assert web["memory"]["workingSetBytes"] == 0
