"""A real runtime of a lab of its own, in a cgroup, so that the tests leave nothing behind."""

import asyncio
import itertools
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import uvloop
from msgspec.structs import replace

from labctl import names
from labctl.cri import (
    Container,
    ContainerConfig,
    RuntimeClient,
    RuntimeUnavailable,
    Sandbox,
    SandboxConfig,
)
from labctl.lab import cgroup
from labctl.mounting import detach, mounted_below
from labctl.net.namespaces import delete_netns, pinned, socket_in

T = TypeVar("T")
DEADLINE_SECONDS = 20.0

_serial = itertools.count()


class Rig:
    """Starts, kills and asks the runtime of one lab."""

    def __init__(self) -> None:
        self.lab = f"rt-{os.getpid()}-{next(_serial)}"
        self.logs = Path(tempfile.mkdtemp(prefix="labctl-runtime-"))
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, before: str = "") -> None:
        """`before` is Python that the runtime's process does first."""
        cgroup.create(self.lab)
        code = (
            f"from labctl.lab import cgroup; cgroup.enter('{self.lab}', cgroup.PROCESSES);"
            "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN);"  # as nohup has it
            f"{before}from labctl.runtime.process import run; run('{self.lab}')"
        )
        self._process = subprocess.Popen([sys.executable, "-c", code])
        self.run(_answers)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def end(self, number: int = signal.SIGKILL) -> None:
        assert self._process is not None
        self._process.send_signal(number)
        self._process.wait()

    def run(self, test: Callable[[RuntimeClient], Awaitable[T]]) -> T:
        """Runs `test` with a client of this runtime and a deadline, on the loop that agents use."""

        async def connected() -> T:
            client = RuntimeClient(names.runtime_socket(self.lab))
            try:
                return await asyncio.wait_for(test(client), DEADLINE_SECONDS)
            finally:
                await client.close()

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(connected())

    def config(self, name: str, *command: str) -> ContainerConfig:
        log_path = str(self.logs / f"{name}.log")
        return ContainerConfig(name, "example/none:1", command=command, log_path=log_path)

    def log(self, container: Container) -> list[str]:
        """The text of each log line, stamps cut off."""
        lines = Path(container.config.log_path).read_text().splitlines()
        return [line.split(" ", 3)[3] for line in lines]

    def processes(self) -> set[int]:
        """Everything that this lab runs, the runtime included; zombies and spawner not."""
        return {pid for pid in cgroup.members(self.lab) if not _is_spawner(pid)}

    def spawners(self) -> set[int]:
        return {pid for pid in cgroup.members(self.lab) if _is_spawner(pid)}

    def clean(self) -> None:
        cgroup.kill(self.lab)
        if self._process is not None:
            self._process.wait()
        cgroup.wait_empty(self.lab, DEADLINE_SECONDS)
        cgroup.remove(self.lab)
        for name in pinned(names.netns_prefix(self.lab)):
            delete_netns(name)
        for directory in (names.run_dir(self.lab), names.state_dir(self.lab), self.logs):
            for point in mounted_below(directory):  # volumes in memory
                detach(point)
            shutil.rmtree(directory, ignore_errors=True)
        for parent in (names.RUN_DIR, names.STATE_DIR):
            _remove_if_empty(parent)


def _is_spawner(pid: int) -> bool:
    try:
        return b"/spawn/__main__.py\0" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


@contextmanager
def running() -> Iterator[Rig]:
    rig = Rig()
    try:
        rig.start()
        yield rig
    finally:
        rig.clean()


@contextmanager
def bystander(*argv: str, env: dict[str, str] | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is not the lab's; ended in any case."""
    with subprocess.Popen(argv, env=env) as process:
        try:
            yield process
        finally:
            process.kill()


def pod(name: str, **changes: object) -> SandboxConfig:
    config = SandboxConfig(name, "default", f"uid-{name}", node="node1", ip="10.9.8.7")
    return replace(config, **changes)


async def run_container(
    client: RuntimeClient, sandbox: Sandbox, config: ContainerConfig
) -> Container:
    created = await client.create_container(sandbox.id, config)
    return await client.start_container(created.id)


async def exited(client: RuntimeClient, container: Container) -> Container:
    """Waits for its end on the event stream, as an agent does."""
    events = await client.subscribe()
    try:
        now = await client.container_status(container.id)
        while now.state != "exited":
            await anext(events)
            now = await client.container_status(container.id)
        return now
    finally:
        events.close()


def lo_up(sandbox: Sandbox) -> None:
    enter = ["nsenter", f"--net={sandbox.netns}"]
    subprocess.run([*enter, "ip", "link", "set", "lo", "up"], check=True)


def connect(sandbox: Sandbox, port: int) -> socket.socket:
    """A TCP connection to the pod's own loopback, from inside."""
    client = socket_in(sandbox.netns, socket.AF_INET, socket.SOCK_STREAM)
    client.settimeout(DEADLINE_SECONDS)
    try:
        client.connect(("127.0.0.1", port))
    except OSError:
        client.close()
        raise
    return client


def wait_until(condition: Callable[[], bool]) -> None:
    """Asks again and again, for what nothing tells of; fails after the deadline."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        select.select([], [], [], 0.005)


async def _answers(client: RuntimeClient) -> None:
    while True:
        try:
            await client.status()
        except RuntimeUnavailable:
            select.select([], [], [], 0.01)
        else:
            return


def _remove_if_empty(directory: Path) -> None:
    try:
        directory.rmdir()
    except OSError:
        return
