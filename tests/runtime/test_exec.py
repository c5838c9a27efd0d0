"""Exec, in containers and beside stand-ins: pipes, terminals, exit codes, hanging up."""

import asyncio
import os
import signal
import termios
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from labctl import names
from labctl.cri import Container, CriError, ExecResult, RuntimeClient
from labctl.cri.messages import TerminalSize
from tests.runtime.rig import Rig, lo_up, pod, run_container, wait_until

Scenario = Callable[[RuntimeClient, Container], Awaitable[None]]

KINDS = pytest.mark.parametrize("kind", ["program", "stand-in"])


def _beside(rig: Rig, kind: str, name: str, scenario: Scenario) -> None:
    """Runs `scenario` with a container of that kind in a sandbox of its own."""

    async def prepared(client: RuntimeClient) -> None:
        sandbox = await client.run_pod_sandbox(pod(f"{name}-{kind}"))
        command = ("sleep", "1000") if kind == "program" else ()
        container = await run_container(client, sandbox, rig.config("c", *command))
        assert container.stand_in == (kind == "stand-in")
        try:
            await scenario(client, container)
        finally:
            await client.remove_pod_sandbox(sandbox.id)

    rig.run(prepared)


@KINDS
def test_output_and_exit_code_come_back(rig: Rig, kind: str) -> None:
    async def scenario(client: RuntimeClient, container: Container) -> None:
        command = ("sh", "-c", "echo out; echo err >&2; exit 5")
        result = await client.exec_sync(container.id, command, 5)
        assert result == ExecResult(5, b"out\n", b"err\n")

    _beside(rig, kind, "output", scenario)


@KINDS
def test_it_is_in_the_pods_namespaces(rig: Rig, kind: str) -> None:
    async def scenario(client: RuntimeClient, container: Container) -> None:
        (sandbox,) = [s for s in await client.list_pod_sandboxes() if s.id == container.sandbox_id]
        result = await client.exec_sync(
            container.id,
            ("readlink", *(f"/proc/self/ns/{kind}" for kind in ("net", "ipc", "uts"))),
            5,
        )
        expected = [os.readlink(f"/proc/{sandbox.pid}/ns/{kind}") for kind in ("net", "ipc", "uts")]
        assert result.stdout.decode().split() == expected

    _beside(rig, kind, "spaces", scenario)


def test_in_a_container_it_sees_the_containers_files_and_processes(rig: Rig) -> None:
    async def scenario(client: RuntimeClient, container: Container) -> None:
        write = await client.exec_sync(container.id, ("sh", "-c", "echo mine > /mark; echo $$"), 5)
        read = await client.exec_sync(container.id, ("cat", "/mark", "/proc/1/comm"), 5)
        assert (write.exit_code, read.stdout) == (0, b"mine\nsleep\n")
        assert int(write.stdout) > 1

    _beside(rig, "program", "files", scenario)


@KINDS
def test_it_is_contained_as_a_container_is(rig: Rig, kind: str) -> None:
    async def scenario(client: RuntimeClient, container: Container) -> None:
        status = ("grep", "-E", "CapEff|CapBnd|NoNewPrivs", "/proc/self/status")
        said = (await client.exec_sync(container.id, status, 5)).stdout.decode().split()
        assert said == [
            "CapEff:",
            "00000000a00425fb",
            "CapBnd:",
            "00000000a00425fb",
            "NoNewPrivs:",
            "0",
        ]
        harm = ("sh", "-c", "rm -rf /etc; ls /etc; echo h > /proc/sysrq-trigger || echo refused")
        assert (await client.exec_sync(container.id, harm, 10)).stdout == b"refused\n"

    _beside(rig, kind, "contained", scenario)
    assert os.path.exists("/etc/passwd")


@KINDS
@pytest.mark.parametrize(
    ("command", "code", "message"),
    [
        ("foo", 127, 'exec: "foo": executable file not found in $PATH'),
        ("/no/foo", 127, 'exec: "/no/foo": stat /no/foo: no such file or directory'),
        ("/etc/hostname", 126, 'exec: "/etc/hostname": permission denied'),
    ],
)
def test_a_missing_program_is_told_as_runc_tells_it(
    rig: Rig, kind: str, command: str, code: int, message: str
) -> None:
    async def scenario(client: RuntimeClient, container: Container) -> None:
        with pytest.raises(CriError) as refused:
            await client.exec_sync(container.id, (command,), 5)
        assert (refused.value.message, refused.value.code) == (message, code)

    _beside(rig, kind, f"missing-{code}", scenario)


@KINDS
def test_its_input_flows_through_the_descriptors_it_was_given(rig: Rig, kind: str) -> None:
    async def scenario(client: RuntimeClient, container: Container) -> None:
        theirs_in, ours_in = os.pipe()
        ours_out, theirs_out = os.pipe()
        session = await client.exec(
            container.id, ("tr", "a-z", "A-Z"), (theirs_in, theirs_out, theirs_out)
        )
        os.close(theirs_in)
        os.close(theirs_out)
        os.write(ours_in, b"louder")
        os.close(ours_in)
        async with session:
            assert await session.wait() == 0
        assert os.read(ours_out, 100) == b"LOUDER"
        os.close(ours_out)

    _beside(rig, kind, "input", scenario)


@KINDS
def test_a_terminal_is_a_real_one_of_the_container(rig: Rig, kind: str) -> None:
    async def scenario(client: RuntimeClient, container: Container) -> None:
        command = ("sh", "-c", "tty; stty size; read line; echo got $line; exit 4")
        async with await client.exec(
            container.id, command, terminal=TerminalSize(40, 120)
        ) as session:
            assert session.terminal is not None
            said = b""
            while not said.endswith(b"120\r\n"):
                said += os.read(session.terminal, 100)
            os.write(session.terminal, b"typed\n")
            code = await session.wait()
            said += _drain(session.terminal)
            assert said.split() == b"/dev/pts/0 40 120 typed got typed".split()
            os.close(session.terminal)
        assert code == 4

    _beside(rig, kind, "terminal", scenario)


@KINDS
def test_a_terminal_interrupts_and_resizes(rig: Rig, kind: str) -> None:
    async def scenario(client: RuntimeClient, container: Container) -> None:
        command = (
            "sh",
            "-c",
            "trap 'stty size; exit 9' WINCH; echo up; while :; do sleep 0.01; done",
        )
        async with await client.exec(container.id, command, terminal=TerminalSize()) as session:
            assert session.terminal is not None
            assert os.read(session.terminal, 100) == b"up\r\n"
            termios.tcsetwinsize(session.terminal, (50, 100))
            assert await session.wait() == 9
            assert _drain(session.terminal) == b"50 100\r\n"
            os.close(session.terminal)

    _beside(rig, kind, "resize", scenario)


@KINDS
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGPIPE])
def test_signals_reach_it(rig: Rig, kind: str, number: int) -> None:
    async def scenario(client: RuntimeClient, container: Container) -> None:
        command = ("sh", "-c", f"kill -{number} $$; echo survived")
        result = await client.exec_sync(container.id, command, 5)
        assert (result.exit_code, result.stdout) == (128 + number, b"")

    _beside(rig, kind, f"signal-{number}", scenario)


@KINDS
def test_ctrl_c_ends_what_does_not_handle_it(rig: Rig, kind: str) -> None:
    async def scenario(client: RuntimeClient, container: Container) -> None:
        command = ("sh", "-c", "echo up; exec sleep 1000")
        async with await client.exec(container.id, command, terminal=TerminalSize()) as session:
            assert session.terminal is not None
            assert os.read(session.terminal, 100) == b"up\r\n"
            os.write(session.terminal, b"\x03")
            assert await session.wait() == 128 + signal.SIGINT
            os.close(session.terminal)

    _beside(rig, kind, "ctrl-c", scenario)


@KINDS
def test_hanging_up_kills_it_and_what_it_started(rig: Rig, kind: str) -> None:
    before: set[int] = set()

    async def scenario(client: RuntimeClient, container: Container) -> None:
        before.update(rig.processes())
        null = os.open(os.devnull, os.O_RDWR)
        command = ("sh", "-c", "sleep 1000 & sleep 1000")
        session = await client.exec(container.id, command, (null, null, null))
        os.close(null)
        wait_until(lambda: len(rig.processes() - before) == 3)
        session.close()
        wait_until(lambda: rig.processes() == before)

    _beside(rig, kind, "hang-up", scenario)


@KINDS
def test_time_runs_out_on_it(rig: Rig, kind: str) -> None:
    async def scenario(client: RuntimeClient, container: Container) -> None:
        before = rig.processes()
        with pytest.raises(TimeoutError):
            await client.exec_sync(container.id, ("sleep", "1000"), 0.1)
        wait_until(lambda: rig.processes() == before)

    _beside(rig, kind, "time-out", scenario)


def test_a_sandbox_that_stops_takes_its_execs_along(rig: Rig) -> None:
    async def scenario(client: RuntimeClient, container: Container) -> None:
        running = asyncio.ensure_future(client.exec_sync(container.id, ("sleep", "1000"), 10))
        before = rig.processes()
        while not any(_runs(pid, "sleep") for pid in rig.processes() - before):
            await client.status()
        await client.stop_pod_sandbox(container.sandbox_id)
        assert (await running).exit_code == 137

    _beside(rig, "stand-in", "taken", scenario)


def _runs(pid: int, name: str) -> bool:
    """Whether it is that program already, and not the runtime's child on its way to it."""
    try:
        return Path(f"/proc/{pid}/comm").read_text() == f"{name}\n"
    except OSError:
        return False


def test_host_programs_reach_the_pods_own_stand_in(rig: Rig) -> None:
    async def scenario(client: RuntimeClient) -> ExecResult:
        sandbox = await client.run_pod_sandbox(pod("curl"))
        lo_up(sandbox)
        config = rig.config("c")
        created = await client.create_container(sandbox.id, config)
        await client.start_container(created.id)
        return await client.exec_sync(created.id, ("ping", "-c1", "127.0.0.1"), 5)

    assert rig.run(scenario).exit_code == 0


def test_a_client_on_asyncios_own_loop_does_as_well(rig: Rig) -> None:
    async def scenario() -> ExecResult:
        client = RuntimeClient(names.runtime_socket(rig.lab))
        sandbox = await client.run_pod_sandbox(pod("plain-loop"))
        container = await run_container(client, sandbox, rig.config("c"))
        result = await client.exec_sync(container.id, ("echo", "done"), 5)
        await client.close()
        return result

    assert asyncio.run(scenario()).stdout == b"done\n"


def test_exec_where_nothing_runs_is_refused(rig: Rig) -> None:
    async def scenario(client: RuntimeClient) -> None:
        sandbox = await client.run_pod_sandbox(pod("nothing"))
        created = await client.create_container(sandbox.id, rig.config("c", "true"))
        with pytest.raises(CriError, match="is not running"):
            await client.exec_sync(created.id, ("true",), 5)
        with pytest.raises(CriError, match="no container"):
            await client.exec_sync("nobody", ("true",), 5)

    rig.run(scenario)


def _drain(terminal: int) -> bytes:
    """Everything said on a terminal whose other side is gone (EIO, then)."""
    said = b""
    try:
        while chunk := os.read(terminal, 4096):
            said += chunk
    except OSError:
        pass
    return said
