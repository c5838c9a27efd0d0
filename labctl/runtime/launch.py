"""Starting a contained program: the parent's side.

The runtime forks; the child (child.py) builds or joins its surroundings, waits for a go and executes
the program. Between the two is one socket pair, closed on exec: "go" one way; a failure, or a new
terminal's master, the other way; end of file says that the program was executed. So a runtime that
dies in between leaves nobody behind that is not recorded: the child, without its go, ends.
"""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from labctl.cri.errors import RUN_CONTAINER_ERROR, CriError
from labctl.cri.messages import TerminalSize
from labctl.cri.passing import receive
from labctl.net.namespaces import CLONE_NEWPID, setns
from labctl.runtime.home import Home
from labctl.runtime.privileges import Privileges
from labctl.runtime.processes import Process
from labctl.runtime.root import Root
from labctl.runtime.signals import HANDLED
from labctl.runtime.syscalls import fork

_CHUNK = 64 * 1024

TERMINAL, ROOT = b"t", b"r"  # what a child says with a descriptor


@dataclass(frozen=True)
class Launch:
    """A program to start and what surrounds it.

    `sandbox` is the pidfd of a pause, whose net, ipc and uts namespaces are joined. Then either a
    `root` is built in a new mount namespace, or that of `container` (a pidfd) is joined.
    `shared_root` is the mount namespace of one that an earlier program has built of `root`.
    `peer` is the pidfd of a process whose pid namespace is joined; without, there is a new one.
    It is born in the cgroup `group`, a descriptor, and goes through `entrances` into others.
    One that is `leashed` dies with the runtime. `hierarchy` is where cgroups of version 2 lie.
    `stdio` are three descriptors of this process, None in it for /dev/null; `terminal` makes one,
    whose master the program holds as well if it `keeps_terminal`.
    """

    argv: tuple[str, ...]
    env: dict[str, str]
    working_dir: str
    sandbox: int
    root: Root | None = None
    shared_root: int | None = None
    container: int | None = None
    peer: int | None = None
    group: int | None = None
    entrances: tuple[str, ...] = ()
    stdio: tuple[int | None, int | None, int | None] = (None, None, None)
    terminal: TerminalSize | None = None
    keeps_terminal: bool = False
    privileges: Privileges = field(default_factory=Privileges)
    leashed: bool = False
    hierarchy: str = ""


@dataclass(frozen=True)
class Failure:
    """What the child says when it could not execute: a sentence, and the exit code to tell."""

    message: str
    code: int


class Launched:
    """A child on its way to its exec. `process` can be killed at any time.

    `built_root`, once it has executed, is the mount namespace of the root that it built, if it was
    to be shared; the caller's to close.
    """

    def __init__(self, process: Process, sync: socket.socket) -> None:
        self.process = process
        self.built_root: int | None = None
        self._sync = sync
        self._said = b""
        self._master: int | None = None

    async def executed(self) -> int | None:
        """Lets the child go on; returns once it executed the program, with its terminal's master.

        Raises CriError with the child's own words and code 127, 126 or 128; it has ended then.
        """
        try:
            self._sync.send(b"g")
            while await self._listen():
                pass
        except OSError as error:
            self._said = msgspec.json.encode(Failure(f"exec: {error.strerror}", 128))
        finally:
            self._sync.close()
        if self._said:
            await self._failed(msgspec.json.decode(self._said, type=Failure))
        return self._master

    async def _listen(self) -> bool:
        await _readable(self._sync)
        data, descriptors = receive(self._sync, _CHUNK)
        if descriptors and data == ROOT:
            self.built_root = descriptors[0]
        elif descriptors:
            self._master = descriptors[0]
        else:
            self._said += data
        return bool(data)

    async def _failed(self, failure: Failure) -> None:
        for descriptor in (self._master, self.built_root):
            if descriptor is not None:
                os.close(descriptor)
        self.built_root = None
        await self.process.wait()
        raise CriError(failure.message, RUN_CONTAINER_ERROR, failure.code)


def launch(home: Home, plan: Launch, become: Callable[[Launch, int], None]) -> Launched:
    """Forks. `become` runs in the child, with its end of the socket pair, and never returns."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        pid = _fork_among(home, plan, theirs.fileno(), become)
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()
    ours.setblocking(False)
    return Launched(Process.of_child(pid), ours)


def _fork_among(home: Home, plan: Launch, sync: int, become: Callable[[Launch, int], None]) -> int:
    """Into the pid namespace of its peer, or a new one."""
    if plan.peer is None:
        return _fork(plan, sync, become, CLONE_NEWPID)
    with home.away(CLONE_NEWPID):
        setns(plan.peer, CLONE_NEWPID)  # for the next child only: pid_namespaces(7)
        return _fork(plan, sync, become, 0)


def _fork(plan: Launch, sync: int, become: Callable[[Launch, int], None], flags: int) -> int:
    # until the child lets them in: it has no handlers any more, and is not to die of them unheard
    before = signal.pthread_sigmask(signal.SIG_BLOCK, HANDLED)
    try:
        pid = fork(flags, plan.group)
        if pid == 0:
            with contextlib.suppress(BaseException):
                become(plan, sync)
            os._exit(128)
        return pid
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


async def _readable(sync: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(sync, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(sync)
