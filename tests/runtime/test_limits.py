"""Limits of memory, CPU and processes, held by the real kernel in whichever version it has them."""

import os

import pytest
from msgspec.structs import replace

from labctl import names
from labctl.cgroups.group import Group
from labctl.cgroups.hierarchies import Hierarchies, parse, read_hierarchies
from labctl.cgroups.limits import Limits, legacy_settings, unified_settings, weight
from labctl.cri import Container, RuntimeClient
from labctl.lab import cgroup
from tests.runtime.rig import Rig, exited, pod, run_container, wait_until

MIB = 1 << 20
HERE = read_hierarchies()
HAVE = pytest.mark.skipif(bool(HERE.missing), reason=f"no controllers here: {HERE.missing}")
GREEDY = "/usr/bin/python3 -c 'x = bytearray(200 << 20)'"


def _run(
    rig: Rig, name: str, limits: Limits, script: str, pod_limits: Limits | None = None
) -> Container:
    async def scenario(client: RuntimeClient) -> Container:
        sandbox = await client.run_pod_sandbox(pod(f"limits-{name}", limits=pod_limits or Limits()))
        config = replace(rig.config(f"limits-{name}", "sh", "-c", script), limits=limits)
        return await exited(client, await run_container(client, sandbox, config))

    return rig.run(scenario)


@HAVE
def test_one_that_takes_more_memory_than_it_may_is_oom_killed(rig: Rig) -> None:
    ended = _run(rig, "greedy", Limits(memory=50 * MIB), f"exec {GREEDY}")
    assert (ended.reason, ended.exit_code, ended.signal) == ("OOMKilled", 137, 9)
    assert _run(rig, "modest", Limits(memory=400 * MIB), f"exec {GREEDY}").reason == "Completed"


@HAVE
def test_what_its_child_took_is_its_end_too(rig: Rig) -> None:
    ended = _run(rig, "child", Limits(memory=50 * MIB), f"{GREEDY}; exit $?")
    assert (ended.reason, ended.exit_code) == ("OOMKilled", 137)


@HAVE
def test_the_pods_limit_holds_for_its_containers_together(rig: Rig) -> None:
    ended = _run(rig, "together", Limits(), f"exec {GREEDY}", Limits(memory=50 * MIB))
    assert ended.exit_code == 137


@HAVE
def test_what_it_writes_into_its_root_counts(rig: Rig) -> None:
    fill = "head -c 200M /dev/zero > /big"
    assert _run(rig, "writes", Limits(memory=50 * MIB), fill).reason == "OOMKilled"


@HAVE
def test_a_fork_bomb_stops_at_the_pods_limit(rig: Rig) -> None:
    bomb = "for i in $(seq 100); do sleep 1000 & done; echo unharmed"
    ended = _run(rig, "bomb", Limits(), bomb, Limits(pids=20))
    assert ended.exit_code == 2
    assert "Cannot fork" in rig.log(ended)[-1]


@HAVE
def test_a_quota_of_cpu_is_not_exceeded(rig: Rig) -> None:
    busy = (
        "exec /usr/bin/python3 -c 'import time\n"
        "end = time.monotonic() + 1\n"
        "while time.monotonic() < end: pass\n"
        "print(time.process_time())'"
    )
    ended = _run(rig, "busy", Limits(cpu_quota=20_000), busy)
    assert float(rig.log(ended)[-1]) < 0.5  # of a second: 0.2, and what a first period grants


def test_it_is_in_its_own_group_below_its_pods_and_so_is_what_is_executed_in_it(rig: Rig) -> None:
    async def scenario(client: RuntimeClient) -> None:
        sandbox = await client.run_pod_sandbox(pod("grouped"))
        container = await run_container(client, sandbox, rig.config("c", "sleep", "1000"))
        name = names.container_cgroup(rig.lab, sandbox.id, "c", 0)
        assert name == f"labctl.{rig.lab}/pods/{sandbox.id}/c.0"
        assert _groups(container.pid) == {f"/{name}"}
        assert f"/{names.lab_cgroup(rig.lab)}/processes" in _groups(sandbox.pid)
        session = await client.exec_sync(container.id, ("cat", "/proc/self/cgroup"), 5)
        assert f"0::/{name}\n" in session.stdout.decode()
        await client.remove_container(container.id)
        wait_until(lambda: not _directories(name))
        await client.remove_pod_sandbox(sandbox.id)
        wait_until(lambda: not _directories(names.pod_cgroup(rig.lab, sandbox.id)))

    rig.run(scenario)


def _groups(pid: int) -> set[str]:
    """Where a process is, in the hierarchies that count."""
    with open(f"/proc/{pid}/cgroup", encoding="ascii") as file:
        lines = [line.rstrip("\n").split(":", 2) for line in file]
    wanted = {"", *HERE.legacy}
    return {path for _, controllers, path in lines if wanted & set(controllers.split(","))}


def _directories(name: str) -> list[str]:
    return [str(mount) for mount in HERE.mounts if (mount / name).exists()]


def test_a_pod_of_stand_ins_has_none(rig: Rig) -> None:
    async def scenario(client: RuntimeClient) -> None:
        sandbox = await client.run_pod_sandbox(pod("stand-in-group", limits=Limits(memory=MIB)))
        await run_container(client, sandbox, rig.config("c"))
        assert not _directories(names.pod_cgroup(rig.lab, sandbox.id))

    rig.run(scenario)


def test_what_a_group_uses_is_known(rig: Rig) -> None:
    async def scenario(client: RuntimeClient) -> None:
        sandbox = await client.run_pod_sandbox(pod("usage"))
        hold = "import signal; x = bytearray(64 << 20); print(1, flush=True); signal.pause()"
        container = await run_container(
            client, sandbox, rig.config("usage", "/usr/bin/python3", "-c", hold)
        )
        wait_until(lambda: rig.log(container) == ["1"])
        used = Group(HERE, names.container_cgroup(rig.lab, sandbox.id, "usage", 0)).usage()
        assert used is not None
        assert used.cpu > 0
        assert HERE.missing or 64 * MIB < used.memory < 128 * MIB

    rig.run(scenario)
    assert Group(HERE, "labctl.nobody/pods/x").usage() is None


LIMITS = Limits(memory=MIB, cpu_quota=50_000, cpu_shares=512, pids=10)


def test_limits_in_the_words_of_version_2() -> None:
    assert list(unified_settings(LIMITS, {"memory", "cpu", "pids"})) == [
        ("memory.max", "1048576"),
        ("memory.swap.max", "0"),
        ("cpu.weight", "20"),
        ("cpu.max", "50000 100000"),
        ("pids.max", "10"),
    ]
    assert list(unified_settings(LIMITS, ())) == []
    assert list(unified_settings(Limits(), {"memory", "cpu", "pids"})) == []
    assert [weight(shares) for shares in (2, 1024, 262_144)] == [1, 39, 10_000]


def test_limits_in_the_words_of_version_1() -> None:
    assert list(legacy_settings(LIMITS, "memory")) == [
        ("memory.limit_in_bytes", "1048576"),
        ("memory.memsw.limit_in_bytes", "1048576"),
    ]
    assert list(legacy_settings(LIMITS, "cpu")) == [
        ("cpu.shares", "512"),
        ("cpu.cfs_period_us", "100000"),
        ("cpu.cfs_quota_us", "50000"),
    ]
    assert list(legacy_settings(LIMITS, "pids")) == [("pids.max", "10")]


def test_a_host_in_hybrid_layout_has_both_versions() -> None:
    unified, legacy = parse(
        "27 25 0:22 / /sys/fs/cgroup ro,nosuid shared:9 - tmpfs tmpfs ro,mode=755\n"
        "28 27 0:23 / /sys/fs/cgroup/unified rw shared:10 - cgroup2 cgroup2 rw\n"
        "29 27 0:24 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n"
        "33 27 0:28 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
        "34 27 0:29 / /sys/fs/cgroup/mem\\040ory rw - cgroup cgroup rw,memory\n"
    )
    assert str(unified) == "/sys/fs/cgroup/unified"
    assert {name: str(path) for name, path in legacy.items()} == {
        "cpu": "/sys/fs/cgroup/cpu,cpuacct",
        "memory": "/sys/fs/cgroup/mem ory",
    }
    both = Hierarchies(unified, frozenset({"pids"}), legacy)
    assert both.missing == ()
    assert Hierarchies(unified, frozenset(), legacy).missing == ("pids",)


def test_nothing_of_a_lab_is_left_in_any_hierarchy() -> None:
    lab = f"cgl{os.getpid()}"
    cgroup.create(lab)
    Group(HERE, names.container_cgroup(lab, "x", "c", 0)).make(LIMITS)
    assert len(_directories(names.lab_cgroup(lab))) == len(HERE.mounts)
    cgroup.remove(lab)
    assert _directories(names.lab_cgroup(lab)) == []
