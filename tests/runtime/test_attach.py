"""Attach: what a container says and hears, pipes and terminals, once and again."""

import os
import signal
import termios
from collections.abc import Awaitable, Callable

import pytest
from msgspec.structs import replace

from labctl.cri import Container, CriError, RuntimeClient
from labctl.cri.attach import AttachSession
from labctl.node.server.descriptors import Source, write_all
from tests.runtime.rig import Rig, connect, exited, lo_up, pod, run_container, wait_until

Scenario = Callable[[RuntimeClient, Container], Awaitable[None]]


class Joined:
    """An attached client: the session and the reading ends of its pipes."""

    def __init__(self, session: AttachSession, stdout: int, stderr: int) -> None:
        self.session = session
        self._ends = [stdout, stderr]
        self._sources = [Source(one) for one in self._ends]

    @classmethod
    async def to(cls, client: RuntimeClient, container: Container, **wishes: bool) -> "Joined":
        (out, out_end), (err, err_end) = os.pipe2(os.O_CLOEXEC), os.pipe2(os.O_CLOEXEC)
        os.set_blocking(out, False)
        os.set_blocking(err, False)
        try:
            session = await client.attach(container.id, (out_end, err_end), **wishes)
        finally:
            os.close(out_end)
            os.close(err_end)
        if session.stdin is not None:
            os.set_blocking(session.stdin, False)
        return cls(session, out, err)

    async def say(self, data: bytes) -> None:
        assert self.session.stdin is not None
        await write_all(self.session.stdin, data)

    def end_stdin(self) -> None:
        assert self.session.stdin is not None
        os.close(self.session.stdin)

    async def hear(self, size: int, stream: int = 1) -> bytes:
        """At least `size` bytes, or all there are till the end."""
        heard = b""
        async for data in self._sources[stream - 1].chunks():
            heard += data
            if len(heard) >= size:
                break
        return heard

    async def rest(self, stream: int = 1) -> bytes:
        return await self.hear(1 << 40, stream)

    def leave(self) -> None:
        self.session.close()
        for end in self._ends:
            os.close(end)


def play(rig: Rig, name: str, scenario: Scenario, *command: str, **config: bool) -> None:
    """A container in a sandbox of its own, and what goes on with it."""

    async def prepared(client: RuntimeClient) -> None:
        sandbox = await client.run_pod_sandbox(pod(name))
        lo_up(sandbox)
        settings = replace(rig.config(name, *command), **config)
        container = await run_container(client, sandbox, settings)
        try:
            await scenario(client, container)
        finally:
            await client.remove_pod_sandbox(sandbox.id)

    rig.run(prepared)


def test_both_outputs_are_joined_by_any_number_and_logged_as_well(rig: Rig) -> None:
    async def scenario(client: RuntimeClient, container: Container) -> None:
        first = await Joined.to(client, container, stdin=True)
        second = await Joined.to(client, container)
        await first.say(b"one\n")
        for joined in (first, second):
            assert await joined.hear(4) == b"one\n"
            assert await joined.hear(4, 2) == b"err\n"
        assert second.session.stdin is None
        first.end_stdin()
        first.leave()
        third = await Joined.to(client, container, stdin=True)
        await third.say(b"two\nend\n")
        assert await third.rest() == await second.rest() == b"two\n"
        assert await third.session.wait() == 0
        third.end_stdin()
        for joined in (second, third):
            joined.leave()
        await exited(client, container)
        assert sorted(rig.log(container)) == ["err", "err", "one", "two"]

    script = 'while read a; do [ "$a" = end ] && exit; echo $a; echo err >&2; done'
    play(rig, "both", scenario, "sh", "-c", script, stdin=True)


def test_stdin_once_ends_with_its_first_client(rig: Rig) -> None:
    async def scenario(client: RuntimeClient, container: Container) -> None:
        first = await Joined.to(client, container, stdin=True, unheard=True)
        assert not first.session.stays
        assert await first.hear(7) == b"before\n"
        second = await Joined.to(client, container, stdin=True)
        assert second.session.stdin is None
        await first.say(b"said")
        first.end_stdin()
        assert await first.rest() == await second.rest() == b"said"
        assert (await exited(client, container)).exit_code == 7
        first.leave()
        second.leave()

    script = "echo before; cat; exit 7"
    play(rig, "once", scenario, "sh", "-c", script, stdin=True, stdin_once=True)


def test_without_stdin_a_program_finds_its_input_at_the_end(rig: Rig) -> None:
    async def scenario(client: RuntimeClient, container: Container) -> None:
        joined = await Joined.to(client, container, stdin=True)
        assert joined.session.stdin is None
        joined.leave()

    play(rig, "none", scenario, "sh", "-c", "cat; exec sleep 60")


def test_a_terminal_is_read_and_written_and_resized(rig: Rig) -> None:
    async def scenario(client: RuntimeClient, container: Container) -> None:
        joined = await Joined.to(client, container, stdin=True, unheard=True)
        session = joined.session
        assert (session.terminal, session.stays) == (True, True)
        assert session.stdin is not None
        assert await joined.hear(3) == b"/dev/pts/0 xterm\r\n"
        termios.tcsetwinsize(session.stdin, (33, 90))
        await joined.say(b"size\n")
        heard = b""
        while not heard.endswith(b"33 90\r\n"):
            heard += await joined.hear(1)
        await joined.say(b"\x03")
        assert (await exited(client, container)).exit_code == 130
        joined.end_stdin()
        joined.leave()
        assert rig.log(container)[0].startswith("/dev/pts/0 xterm")

    script = "trap 'exit 130' INT; echo $(tty) $TERM; while read a; do stty size; done"
    play(rig, "tty", scenario, "sh", "-c", script, stdin=True, stdin_once=True, tty=True)


def test_a_client_that_does_not_read_makes_the_program_wait_and_loses_nothing(rig: Rig) -> None:
    async def scenario(client: RuntimeClient, container: Container) -> None:
        joined = await Joined.to(client, container, stdin=True)
        await joined.say(b"go\n")
        joined.end_stdin()
        status = await client.container_status(container.id)
        wait_until(lambda: _is_blocked(status.pid))
        assert await joined.rest() == b"x" * 3_000_000
        joined.leave()

    script = "read a; exec head -c 3000000 /dev/zero | tr '\\0' x"
    play(rig, "slow", scenario, "sh", "-c", script, stdin=True, stdin_once=True)


def _is_blocked(pid: int) -> bool:
    """Whether one of its children waits for room in a pipe."""
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as children:
        return any(
            _waits_for(child) in ("pipe_write", "anon_pipe_write")
            for child in children.read().split()
        )


def _waits_for(pid: str) -> str:
    try:
        with open(f"/proc/{pid}/wchan", encoding="ascii") as wchan:
            return wchan.read()
    except OSError:
        return ""


def test_a_client_that_hangs_up_is_missed_by_nobody(rig: Rig) -> None:
    async def scenario(client: RuntimeClient, container: Container) -> None:
        gone = await Joined.to(client, container)
        gone.leave()
        stays = await Joined.to(client, container, stdin=True)
        await stays.say(b"on\n")
        assert await stays.hear(3) == b"on\n"
        stays.end_stdin()
        stays.leave()

    play(rig, "gone", scenario, "cat", stdin=True)


def test_a_stand_ins_access_lines_are_heard(rig: Rig) -> None:
    async def scenario(client: RuntimeClient, container: Container) -> None:
        joined = await Joined.to(client, container, stdin=True)
        assert joined.session.stdin is None
        (sandbox,) = [s for s in await client.list_pod_sandboxes() if s.id == container.sandbox_id]
        with connect(sandbox, 80) as asking:
            asking.sendall(b"GET /here HTTP/1.0\r\n\r\n")
            assert b"/here" in await joined.hear(1)
        await client.stop_container(container.id, 0)
        assert await joined.rest() == b""
        await joined.session.wait()
        joined.leave()

    async def prepared(client: RuntimeClient) -> None:
        sandbox = await client.run_pod_sandbox(pod("lines"))
        lo_up(sandbox)
        config = replace(rig.config("c"), probe_ports=(80,))
        container = await run_container(client, sandbox, config)
        await scenario(client, container)
        await client.remove_pod_sandbox(sandbox.id)

    rig.run(prepared)


def test_what_does_not_run_cannot_be_joined(rig: Rig) -> None:
    async def scenario(client: RuntimeClient, container: Container) -> None:
        await exited(client, container)
        with pytest.raises(CriError, match="is not running"):
            await Joined.to(client, container)

    play(rig, "over", scenario, "true")


def test_a_terminal_and_an_open_stdin_outlive_the_runtime(own_rig: Rig) -> None:
    containers: dict[str, Container] = {}
    script = "while read a; do echo got $a; done"

    async def start(client: RuntimeClient) -> None:
        for name, tty in (("tty", True), ("pipe", False)):
            sandbox = await client.run_pod_sandbox(pod(name))
            config = replace(own_rig.config(name, "sh", "-c", script), stdin=True, tty=tty)
            containers[name] = await run_container(client, sandbox, config)

    async def talk(client: RuntimeClient) -> None:
        for container in containers.values():
            now = await client.container_status(container.id)
            assert (now.state, now.pid) == ("running", container.pid)
            joined = await Joined.to(client, container, stdin=True)
            await joined.say(b"it\n")
            heard = b""
            while b"got it" not in heard:
                heard += await joined.hear(1)
            joined.end_stdin()
            joined.leave()

    own_rig.run(start)
    own_rig.end(signal.SIGKILL)
    own_rig.start()
    own_rig.run(talk)


def test_nothing_that_the_runtime_holds_reaches_a_program(rig: Rig) -> None:
    async def scenario(client: RuntimeClient, container: Container) -> None:
        command = ("sh", "-c", "ls /proc/$$/fd")
        for _ in range(2):  # the first builds the root, the second finds it
            listed = (await client.exec_sync(container.id, command, 5)).stdout.split()
            assert listed == [b"0", b"1", b"2"]

    async def prepared(client: RuntimeClient) -> None:
        for name, words in (("none", ()), ("some", ("sleep", "60"))):
            sandbox = await client.run_pod_sandbox(pod(f"fds-{name}"))
            container = await run_container(client, sandbox, rig.config("c", *words))
            await scenario(client, container)
            await client.remove_pod_sandbox(sandbox.id)

    rig.run(prepared)


def test_files_stay_beside_a_stand_in_for_as_long_as_it_lives(rig: Rig) -> None:
    async def prepared(client: RuntimeClient) -> None:
        sandbox = await client.run_pod_sandbox(pod("keeps"))
        for attempt, found in ((0, b""), (1, b"")):
            config = replace(rig.config("c"), attempt=attempt)
            container = await run_container(client, sandbox, config)
            look = ("sh", "-c", "cat /mark; ps -e -o comm= | wc -l; exit 0")  # and process 1
            assert (await client.exec_sync(container.id, look, 5)).stdout == found + b"4\n"
            write = ("sh", "-c", "echo mine > /mark")
            assert (await client.exec_sync(container.id, write, 5)).exit_code == 0
            assert (await client.exec_sync(container.id, look, 5)).stdout == b"mine\n4\n"
            await client.stop_container(container.id, 0)
        await client.remove_pod_sandbox(sandbox.id)

    rig.run(prepared)
    assert not os.path.exists("/mark")
