"""The spawner: there when it is needed, nobody's parent, small, and cheap for the runtime."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

from labctl.cri import Container, RuntimeClient
from labctl.runtime.spawn.plan import Held, Launch, pack, unpack
from labctl.runtime.spawn.privileges import Privileges
from labctl.runtime.spawn.root import Root
from tests.runtime.rig import Rig, exited, pod, run_container, wait_until

_MINOR_FAULTS, _PARENT = 7, 1  # fields of /proc/PID/stat after the parenthesised name


def _stat(pid: int, field: int) -> int:
    text = Path(f"/proc/{pid}/stat").read_text()
    return int(text[text.rindex(")") + 2 :].split()[field])


def _sleeps(rig: Rig, name: str, count: int) -> list[Container]:
    async def scenario(client: RuntimeClient) -> list[Container]:
        sandbox = await client.run_pod_sandbox(pod(name))
        configs = [rig.config(f"c{number}", "sleep", "1000") for number in range(count)]
        return [await run_container(client, sandbox, config) for config in configs]

    return rig.run(scenario)


def test_a_plan_arrives_as_it_was_sent_with_the_descriptors_numbered_anew() -> None:
    plan = Launch(
        argv=("sh", "-c", "echo ü"),
        env={"PATH": "/bin", "É": "\udcff"},
        working_dir="/tmp",
        held=Held(11, None, None, 12, None, None, 13, 14, 15),
        root=Root("/run/x", ("/home",), (("hosts", "127.0.0.1"),), volumes=(("/a", "/b", True),)),
        terminal=(24, 80),
        privileges=Privileges(1000, 1000, (7,), 3, (1, 2), no_new_privileges=True),
    )
    data, descriptors = pack(plan)
    assert descriptors == [11, 12, 13, 14, 15]
    arrived = unpack(data, [3, 4, 5, 6, 7])
    assert arrived == plan._replace(held=Held(3, None, None, 4, None, None, 5, 6, 7))
    assert isinstance(arrived.root, Root)
    assert isinstance(arrived.privileges, Privileges)


def test_a_plan_without_a_root_arrives_without_one() -> None:
    plan = Launch(("true",), {}, "", Held(3, sync=4))
    assert unpack(*pack(plan)) == plan


def test_it_imports_nothing_that_is_large() -> None:
    """What it has in memory is copied with each fork."""
    top = Path(__file__).parents[2]
    code = (
        f"import sys; sys.path.insert(0, {str(top)!r}); before = set(sys.modules);"
        "import labctl.runtime.spawn.process; print(*sys.modules)"
    )
    command = [sys.executable, "-I", "-S", "-c", code]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    assert not {"asyncio", "dataclasses", "inspect", "logging", "msgspec", "pathlib"} & set(said)
    assert len(said) < 120


def test_a_pod_of_stand_ins_does_without(own_rig: Rig) -> None:
    async def scenario(client: RuntimeClient) -> None:
        sandbox = await client.run_pod_sandbox(pod("plain"))
        await run_container(client, sandbox, own_rig.config("web"))

    own_rig.run(scenario)
    assert own_rig.spawners() == set()


def test_its_children_are_the_runtimes(own_rig: Rig) -> None:
    (container,) = _sleeps(own_rig, "child", 1)
    assert len(own_rig.spawners()) == 1
    assert _stat(container.pid, _PARENT) == own_rig.pid


def test_programs_go_on_without_it_and_the_next_has_another(own_rig: Rig) -> None:
    (first,) = _sleeps(own_rig, "first", 1)
    (spawner,) = own_rig.spawners()
    os.kill(spawner, signal.SIGKILL)
    (second,) = _sleeps(own_rig, "second", 1)
    assert {first.pid, second.pid} <= own_rig.processes()
    assert own_rig.spawners().isdisjoint({spawner})
    assert len(own_rig.spawners()) == 1
    assert not os.path.exists(f"/proc/{spawner}")  # reaped


def test_it_ends_with_its_runtime_and_programs_do_not(own_rig: Rig) -> None:
    (container,) = _sleeps(own_rig, "stays", 1)
    own_rig.end(signal.SIGKILL)
    wait_until(lambda: own_rig.spawners() == set())
    assert container.pid in own_rig.processes()
    own_rig.start()

    async def stop(client: RuntimeClient) -> Container:
        stopping = asyncio.ensure_future(client.stop_container(container.id, 0))
        ended = await exited(client, container)
        await stopping
        return ended

    assert own_rig.run(stop).exit_code == 137


def test_the_runtime_copies_no_memory_for_a_program(rig: Rig) -> None:
    """Of a fork of its own it would have hundreds of page faults."""
    _sleeps(rig, "warm", 3)
    before = _stat(rig.pid, _MINOR_FAULTS)
    _sleeps(rig, "many", 20)
    assert _stat(rig.pid, _MINOR_FAULTS) - before < 20 * 60
