"""When the runtime dies: what ran goes on, and the next one takes it up."""

import os
import signal
import subprocess
from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from labctl import names
from labctl.cri import Container, CriError, Port, RuntimeClient, Sandbox
from labctl.runtime.pause import mark
from tests.recorded import recorded
from tests.runtime.rig import Rig, bystander, connect, exited, lo_up, pod, run_container, wait_until

TICKER = "n=0; while :; do n=$((n+1)); echo $n; sleep 0.01; done"


async def _two_containers(client: RuntimeClient, rig: Rig) -> tuple[Sandbox, Container, Container]:
    sandbox = await client.run_pod_sandbox(pod("pod"))
    lo_up(sandbox)
    program = await run_container(client, sandbox, rig.config("ticker", "sh", "-c", TICKER))
    web = replace(rig.config("web"), ports=(Port(80),))
    return sandbox, program, await run_container(client, sandbox, web)


def test_programs_go_on_and_no_line_of_theirs_is_lost(own_rig: Rig) -> None:
    async def before(client: RuntimeClient) -> Container:
        return (await _two_containers(client, own_rig))[1]

    async def after(client: RuntimeClient) -> None:
        again = await client.container_status(ticker.id)
        assert again == ticker
        stopped = await client.stop_container(ticker.id, 0)
        # it is nobody's child any more: that it ended is known, and how is not
        assert (stopped.state, stopped.exit_code) == ("exited", 137)
        assert stopped.reason == "ContainerStatusUnknown"

    ticker = own_rig.run(before)
    wait_until(lambda: len(own_rig.log(ticker)) > 3)
    own_rig.end(signal.SIGKILL)
    written = len(own_rig.log(ticker))
    os.kill(ticker.pid, 0)
    own_rig.start()
    wait_until(lambda: len(own_rig.log(ticker)) > written + 3)
    own_rig.run(after)
    said = own_rig.log(ticker)
    assert said == [str(n) for n in range(1, len(said) + 1)]


def test_a_pin_that_was_removed_meanwhile_is_there_again(own_rig: Rig) -> None:
    async def run(client: RuntimeClient) -> Sandbox:
        return await client.run_pod_sandbox(pod("pod"))

    sandbox = own_rig.run(run)
    own_rig.end(signal.SIGKILL)
    pin = names.netns_path(names.pod_netns(own_rig.lab, "default", "pod"))
    pin.unlink()
    own_rig.start()
    assert os.readlink(pin) == sandbox.netns
    pin.unlink()
    wait_until(pin.is_symlink)


def test_stand_ins_answer_again_and_namespaces_are_the_same(own_rig: Rig) -> None:
    async def before(client: RuntimeClient) -> Sandbox:
        return (await _two_containers(client, own_rig))[0]

    async def after(client: RuntimeClient) -> list[Sandbox]:
        with connect(sandbox, 80) as web:
            web.sendall(b"hello\n")
            assert b'"pod":"pod"' in web.recv(1000)
        return await client.list_pod_sandboxes("node1")

    sandbox = own_rig.run(before)
    for number in (signal.SIGKILL, signal.SIGTERM):
        own_rig.end(number)
        own_rig.start()
        assert own_rig.run(after) == [sandbox]


def test_an_address_that_was_told_later_is_remembered(own_rig: Rig) -> None:
    async def before(client: RuntimeClient) -> Sandbox:
        sandbox = await client.run_pod_sandbox(pod("pod", ip=""))
        with pytest.raises(CriError, match="no sandbox gone"):
            await client.update_pod_sandbox("gone", "10.1.2.3")
        return await client.update_pod_sandbox(sandbox.id, "10.1.2.3")

    async def after(client: RuntimeClient) -> list[Sandbox]:
        return await client.list_pod_sandboxes("node1")

    sandbox = own_rig.run(before)
    assert sandbox.config.ip == "10.1.2.3"
    own_rig.end(signal.SIGKILL)
    own_rig.start()
    assert own_rig.run(after) == [sandbox]


def test_what_ended_meanwhile_is_said_to_be_unknown(own_rig: Rig) -> None:
    async def before(client: RuntimeClient) -> Container:
        return (await _two_containers(client, own_rig))[1]

    async def after(client: RuntimeClient) -> None:
        (program, web) = await client.list_containers("node1")
        assert (program.state, program.exit_code) == ("exited", 137)
        assert program.reason == "ContainerStatusUnknown"
        assert web.state == "running"

    ticker = own_rig.run(before)
    own_rig.end(signal.SIGKILL)
    os.kill(ticker.pid, signal.SIGKILL)
    wait_until(lambda: ticker.pid not in own_rig.processes())
    own_rig.start()
    own_rig.run(after)


def test_an_exit_that_was_seen_before_is_still_known_after(own_rig: Rig) -> None:
    async def before(client: RuntimeClient) -> Container:
        sandbox = await client.run_pod_sandbox(pod("seen"))
        config = own_rig.config("c", "sh", "-c", "exit 9")
        return await exited(client, await run_container(client, sandbox, config))

    async def after(client: RuntimeClient) -> Container:
        return await client.container_status(ended.id)

    ended = own_rig.run(before)
    own_rig.end(signal.SIGKILL)
    own_rig.start()
    assert own_rig.run(after) == ended
    assert ended.exit_code == 9


def test_a_pause_that_died_meanwhile_leaves_a_dead_sandbox(own_rig: Rig) -> None:
    async def before(client: RuntimeClient) -> tuple[Sandbox, Container, Container]:
        return await _two_containers(client, own_rig)

    async def after(client: RuntimeClient) -> None:
        (now,) = await client.list_pod_sandboxes()
        assert now.state == "notready"
        assert (await client.container_status(web.id)).state == "exited"
        assert (await client.container_status(ticker.id)).state == "running"
        await client.remove_pod_sandbox(sandbox.id)
        assert own_rig.processes() == {own_rig.pid}

    sandbox, ticker, web = own_rig.run(before)
    own_rig.end(signal.SIGKILL)
    os.kill(sandbox.pid, signal.SIGKILL)
    wait_until(lambda: sandbox.pid not in own_rig.processes())
    own_rig.start()
    own_rig.run(after)
    assert not os.path.lexists(names.netns_path(names.pod_netns(own_rig.lab, "default", "pod")))


def test_execs_end_with_the_runtime(own_rig: Rig) -> None:
    async def before(client: RuntimeClient) -> None:
        _, program, web = await _two_containers(client, own_rig)
        null = os.open(os.devnull, os.O_RDWR)
        sleep = ("sleep", "5656")
        async with (
            await client.exec(program.id, sleep, (null, null, null)),
            await client.exec(web.id, sleep, (null, null, null)),
        ):
            own_rig.end(signal.SIGKILL)
        os.close(null)

    own_rig.run(before)
    wait_until(lambda: not any(_runs_sleep(pid, "5656") for pid in own_rig.processes()))


def test_a_pause_without_a_record_is_ended_and_a_strangers_is_not(own_rig: Rig) -> None:
    own_rig.end(signal.SIGKILL)
    with (
        bystander("catatonit", "-P", env=_marked(own_rig.lab)) as ours,
        bystander("catatonit", "-P", env=_marked(own_rig.lab + "x")) as theirs,
    ):
        own_rig.start()
        assert ours.wait(10) == -signal.SIGKILL
        assert theirs.poll() is None


@pytest.fixture
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    """Asked for before `own_rig`, so that a start time (in ticks of 10 ms) tells it apart."""
    with bystander("sleep", "1000") as process:
        yield process


def test_records_of_an_earlier_boot_or_a_reused_pid_are_not_believed(
    stranger: subprocess.Popen[bytes], own_rig: Rig
) -> None:
    async def before(client: RuntimeClient) -> None:
        for name in ("booted", "reused"):
            await client.run_pod_sandbox(pod(name))

    async def after(client: RuntimeClient) -> None:
        (reused,) = await client.list_pod_sandboxes()
        assert (reused.config.name, reused.state) == ("reused", "notready")
        await client.remove_pod_sandbox(reused.id)

    own_rig.run(before)
    own_rig.end(signal.SIGKILL)
    journal = names.sandbox_journal(own_rig.lab)
    *others, booted, reused = journal.read_text().splitlines()
    booted = booted.replace('"boot_id":"', '"boot_id":"other-')
    pid = reused.split('"pause":{"pid":')[1].split(",")[0]
    reused = reused.replace(f'"pid":{pid}', f'"pid":{stranger.pid}')
    journal.write_text("\n".join([*others, booted, reused]))
    own_rig.start()
    own_rig.run(after)
    assert stranger.poll() is None
    assert recorded(own_rig.lab) == []


def test_a_record_that_was_cut_off_is_not_there(own_rig: Rig) -> None:
    async def before(client: RuntimeClient) -> Container:
        return (await _two_containers(client, own_rig))[2]

    async def after(client: RuntimeClient) -> Container:
        return await client.container_status(web.id)

    async def another(client: RuntimeClient) -> None:
        await client.run_pod_sandbox(pod("another"))

    web = own_rig.run(before)
    own_rig.end(signal.SIGKILL)
    with names.sandbox_journal(own_rig.lab).open("a") as journal:
        journal.write('\n{"container":{"container":{"id":')
    for _ in range(2):
        own_rig.start()
        assert own_rig.run(after).state == "running"
        own_rig.run(another)
        own_rig.end(signal.SIGKILL)
    assert "uid-another-0" in recorded(own_rig.lab)


def test_a_record_that_cannot_be_read_stops_nobody(own_rig: Rig) -> None:
    names.sandbox_journal(own_rig.lab).write_text("{")
    own_rig.end(signal.SIGKILL)
    own_rig.start()


def _marked(lab: str) -> dict[str, str]:
    key, _, value = mark(lab, "uid-0").partition("=")
    return {key: value}


def _runs_sleep(pid: int, seconds: str) -> bool:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read() == f"sleep\0{seconds}\0".encode()
    except OSError:
        return False
