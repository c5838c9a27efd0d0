"""Programs in containers: what they see, how they end, what becomes of their output."""

import os
import re
import signal
import time
from pathlib import Path

import pytest
from msgspec.structs import replace

from labctl.cri import Container, ContainerConfig, CriError, Port, RuntimeClient
from tests.runtime.rig import Rig, exited, pod, run_container, wait_until

_LOG_LINE = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z (stdout|stderr) [FP] .*"
)  # the CRI's


def _run(rig: Rig, name: str, config: ContainerConfig) -> Container:
    """Runs a container in a sandbox of its own, to its end."""

    async def scenario(client: RuntimeClient) -> Container:
        sandbox = await client.run_pod_sandbox(pod(name))
        ended = await exited(client, await run_container(client, sandbox, config))
        await client.remove_pod_sandbox(sandbox.id)
        return ended

    return rig.run(scenario)


def _script(rig: Rig, name: str, script: str) -> tuple[Container, list[str]]:
    container = _run(rig, name, rig.config(name, "sh", "-c", script))
    return container, rig.log(container)


def test_its_argv_is_exactly_command_and_args(rig: Rig) -> None:
    config = replace(rig.config("argv", "cat"), args=("/proc/self/cmdline", "-"))
    assert rig.log(_run(rig, "argv", config)) == ["cat\0/proc/self/cmdline\0-\0"]


def test_args_alone_are_a_command(rig: Rig) -> None:
    config = replace(rig.config("args"), args=("echo", "a  b"))
    assert rig.log(_run(rig, "args", config)) == ["a  b"]


def test_it_sees_its_own_processes_name_and_files(rig: Rig) -> None:
    script = "echo $$; hostname; echo $HOSTNAME; cat /etc/hostname; grep 10.9 /etc/hosts; ls /proc | grep -c '^[0-9]'"
    _, said = _script(rig, "sees", script)
    assert said[:4] == ["1", "sees", "sees", "sees"]
    assert said[4].split() == ["10.9.8.7", "sees"]
    assert int(said[5]) <= 3  # sh, ls, grep


def test_environment_and_working_directory_are_the_pods(rig: Rig) -> None:
    config = replace(
        rig.config("env", "sh", "-c", "pwd; env"),
        env=(("COLOUR", "dark red"), ("PATH", "/usr/bin:/bin")),
        working_dir="/made/here",
    )
    directory, *environment = rig.log(_run(rig, "env", config))
    assert directory == "/made/here"
    assert {"COLOUR=dark red", "PATH=/usr/bin:/bin", "HOSTNAME=env"} <= set(environment)
    assert not os.path.exists("/made/here")


@pytest.mark.parametrize(
    ("script", "code", "number", "reason"),
    [
        ("exit 0", 0, 0, "Completed"),
        ("exit 7", 7, 0, "Error"),
        (
            "exec python3 -c 'import os, signal; signal.signal(15, print); os.abort()'",
            134,
            6,
            "Error",
        ),
    ],
)
def test_how_it_ended_is_told(rig: Rig, script: str, code: int, number: int, reason: str) -> None:
    config = rig.config(f"end-{code}", "sh", "-c", script)
    if number:  # the first process of a pid namespace survives its own abort: a child of it then
        config = rig.config(f"end-{code}", "sh", "-c", f'sh -c "{script}"; exit $?')
    ended = _run(rig, f"end-{code}", config)
    assert (ended.exit_code, ended.reason) == (code, reason)
    assert ended.started_at <= ended.finished_at


def test_output_is_stamped_line_by_line_in_order(rig: Rig) -> None:
    container, said = _script(rig, "lines", "for i in 1 2 3; do echo line $i; done; printf end")
    assert said == ["line 1", "line 2", "line 3", "end"]
    lines = Path(container.config.log_path).read_text().splitlines()
    assert all(_LOG_LINE.fullmatch(line) for line in lines)
    assert lines == sorted(lines)


def test_stderr_is_told_apart(rig: Rig) -> None:
    container, _ = _script(rig, "streams", "echo out; echo err >&2")
    streams = {line.split()[3]: line.split()[1] for line in _raw(container)}
    assert streams == {"out": "stdout", "err": "stderr"}


def test_a_program_may_open_its_standard_output_anew(rig: Rig) -> None:
    _, said = _script(rig, "reopen", "echo again > /dev/stdout; echo more > /proc/self/fd/1")
    assert said == ["again", "more"]


def test_a_megabyte_of_output_is_there_to_the_last_byte(rig: Rig) -> None:
    _, said = _script(rig, "much", "seq 1 150000")
    assert said == [str(n) for n in range(1, 150001)]


def test_a_command_that_is_not_here_is_answered_for_by_a_stand_in(rig: Rig) -> None:
    async def scenario(client: RuntimeClient) -> Container:
        sandbox = await client.run_pod_sandbox(pod("absent"))
        config = rig.config("absent", "/no/such/program", "--serve")
        return await run_container(client, sandbox, config)

    container = rig.run(scenario)
    assert container.stand_in
    assert container.stand_in_reason == (
        'neither image "example/none:1" nor program "/no/such/program" is here: a stand-in answers'
    )


@pytest.mark.parametrize(
    ("program", "code", "words"),
    [
        ("/etc/passwd", 126, 'exec: "/etc/passwd": permission denied'),
        ("/run/labctl-test-program", 127, "no such file or directory"),
    ],
)
def test_a_program_that_cannot_be_executed_says_why(
    rig: Rig, program: str, code: int, words: str
) -> None:
    on_host = Path("/run/labctl-test-program")  # /run is empty in a container
    on_host.write_text("#!/bin/sh\n")

    async def scenario(client: RuntimeClient) -> Container:
        sandbox = await client.run_pod_sandbox(pod(f"cannot-{code}"))
        created = await client.create_container(sandbox.id, rig.config("c", program))
        with pytest.raises(CriError, match=re.escape(words)) as refused:
            await client.start_container(created.id)
        assert (refused.value.reason, refused.value.code) == ("RunContainerError", code)
        return await client.container_status(created.id)

    try:
        container = rig.run(scenario)
    finally:
        on_host.unlink()
    assert (container.state, container.exit_code) == ("exited", 128)
    assert container.reason == "StartError"


def test_a_log_that_cannot_be_written_is_told(rig: Rig) -> None:
    config = replace(rig.config("no-log", "true"), log_path="/proc/nowhere/x.log")

    async def scenario(client: RuntimeClient) -> None:
        sandbox = await client.run_pod_sandbox(pod("no-log"))
        await run_container(client, sandbox, config)

    with pytest.raises(CriError, match=r"log /proc/nowhere/x\.log: no such file"):
        rig.run(scenario)


def test_stopping_asks_first_and_lets_it_finish(rig: Rig) -> None:
    script = "trap 'echo bye; exit 3' TERM; echo up; while :; do sleep 0.01; done"

    async def scenario(client: RuntimeClient) -> Container:
        sandbox = await client.run_pod_sandbox(pod("polite"))
        container = await run_container(client, sandbox, rig.config("polite", "sh", "-c", script))
        wait_until(lambda: rig.log(container) == ["up"])
        return await client.stop_container(container.id, 10)

    container = rig.run(scenario)
    assert container.exit_code == 3
    assert rig.log(container) == ["up", "bye"]


def test_after_its_grace_it_is_killed_with_all_that_it_started(rig: Rig) -> None:
    async def scenario(client: RuntimeClient) -> Container:
        sandbox = await client.run_pod_sandbox(pod("stubborn"))
        config = rig.config("stubborn", "sh", "-c", "sleep 4711 & sleep 4711")
        container = await run_container(client, sandbox, config)
        began = time.monotonic()
        stopped = await client.stop_container(container.id, 0.2)
        assert 0.2 <= time.monotonic() - began < 5
        return stopped

    container = rig.run(scenario)
    assert (container.exit_code, container.signal) == (137, signal.SIGKILL)
    assert not any(_argv(pid) == b"sleep\x004711\x00" for pid in rig.processes())


def test_removing_a_sandbox_ends_its_containers(rig: Rig) -> None:
    before = rig.processes()

    async def scenario(client: RuntimeClient) -> None:
        sandbox = await client.run_pod_sandbox(pod("removed"))
        for n in range(3):
            await run_container(client, sandbox, rig.config(f"c{n}", "sleep", "1000"))
        await client.remove_pod_sandbox(sandbox.id)
        assert not [c for c in await client.list_containers() if c.sandbox_id == sandbox.id]

    rig.run(scenario)
    assert rig.processes() == before


def test_containers_of_a_pod_share_its_network_and_not_their_files(rig: Rig) -> None:
    async def scenario(client: RuntimeClient) -> list[str]:
        sandbox = await client.run_pod_sandbox(pod("shared"))
        script = (
            "readlink /proc/self/ns/net /proc/self/ns/ipc /proc/self/ns/uts; ls /mark; touch /mark"
        )
        ended = [
            await exited(
                client,
                await run_container(client, sandbox, rig.config(name, "sh", "-c", script)),
            )
            for name in ("one", "two")
        ]
        return [line for container in ended for line in rig.log(container)]

    said = rig.run(scenario)
    assert said[:3] == said[4:7]
    assert all("No such file" in line for line in (said[3], said[7]))


def test_an_exit_code_is_kept_until_the_container_is_removed(rig: Rig) -> None:
    async def run(client: RuntimeClient) -> Container:
        sandbox = await client.run_pod_sandbox(pod("kept"))
        config = rig.config("kept", "sh", "-c", "exit 42")
        return await exited(client, await run_container(client, sandbox, config))

    async def ask(client: RuntimeClient) -> int:
        return (await client.container_status("uid-kept-0.kept.0")).exit_code

    async def remove(client: RuntimeClient) -> None:
        await client.remove_container("uid-kept-0.kept.0")
        await client.remove_container("uid-kept-0.kept.0")

    rig.run(run)
    assert rig.run(ask) == 42
    rig.run(remove)
    with pytest.raises(CriError) as refused:
        rig.run(ask)
    assert refused.value.reason == "NotFound"


def test_a_container_starts_once(rig: Rig) -> None:
    async def scenario(client: RuntimeClient) -> None:
        sandbox = await client.run_pod_sandbox(pod("once"))
        container = await run_container(client, sandbox, rig.config("once", "true"))
        assert (await exited(client, container)).exit_code == 0
        with pytest.raises(CriError, match="was started before"):
            await client.start_container(container.id)

    rig.run(scenario)


def test_two_stand_ins_of_a_pod_cannot_have_one_port(rig: Rig) -> None:
    async def scenario(client: RuntimeClient) -> None:
        sandbox = await client.run_pod_sandbox(pod("clash"))
        for name in ("one", "two"):
            config = replace(rig.config(name), ports=(Port(80),))
            await run_container(client, sandbox, config)

    with pytest.raises(CriError, match="port 80/TCP: address already in use"):
        rig.run(scenario)


def _raw(container: Container) -> list[str]:
    return Path(container.config.log_path).read_text().splitlines()


def _argv(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
