"""A process as the runtime holds it: by pidfd, so that no signal ever reaches a reused pid.

A child's end comes with its exit code. A process that was adopted after a restart of the runtime is
not a child: that it ended is known, and how it ended is not.
"""

import asyncio
import contextlib
import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_STAT_MAX = 4096
_STARTTIME = 19  # proc(5): field 22 of /proc/PID/stat, the 20th after the parenthesised name


@dataclass(frozen=True, slots=True)
class Identity:
    """What tells a process from every other of this boot, past and future."""

    pid: int
    start_time: int  # clock ticks since boot


@dataclass(frozen=True, slots=True)
class Exit:
    """How a process ended; `code` is 128 + `signal` for a signal; unknown for an adopted one."""

    code: int
    signal: int = 0
    known: bool = True


def read_start_time(pid: int) -> int:
    """Raises FileNotFoundError when there is no such process."""
    with open(f"/proc/{pid}/stat", "rb", buffering=0) as file:
        stat = file.read(_STAT_MAX)
    return int(stat[stat.rindex(b")") + 2 :].split()[_STARTTIME])


def pid_of(pidfd: int) -> int:
    """Whose descriptor that is: a number that is its own for as long as it is not reaped."""
    for line in Path(f"/proc/self/fdinfo/{pidfd}").read_text(encoding="ascii").splitlines():
        if line.startswith("Pid:"):
            return int(line.split()[1])
    raise ProcessLookupError(pidfd)


def read_boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


class Process:
    """`exited` is done once the process is gone, reaped if it was a child."""

    def __init__(self, identity: Identity, pidfd: int) -> None:
        self.identity = identity
        self._pidfd = pidfd
        self._loop = asyncio.get_running_loop()
        self.exited: asyncio.Future[Exit] = self._loop.create_future()
        self._loop.add_reader(pidfd, self._ended)

    @classmethod
    def of_child(cls, pid: int) -> Self:
        """A child that nobody has waited for; it cannot have lost its pid."""
        return cls(Identity(pid, read_start_time(pid)), os.pidfd_open(pid))

    @classmethod
    def adopt(cls, identity: Identity) -> Self | None:
        """The process of that identity, if it still runs."""
        try:
            pidfd = os.pidfd_open(identity.pid)
        except OSError:
            return None
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            # compared after the open: the pidfd is of whoever had the pid by then
            if read_start_time(identity.pid) == identity.start_time:
                return cls(identity, pidfd)
        os.close(pidfd)
        return None

    @property
    def pid(self) -> int:
        return self.identity.pid

    @property
    def alive(self) -> bool:
        return not self.exited.done()

    @property
    def pidfd(self) -> int:
        """For setns; valid while `alive`."""
        return self._pidfd

    def signal(self, number: int) -> None:
        if self.alive:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, number)

    def kill_session(self) -> None:
        """SIGKILL to it and to its process group, of which it is the leader (an exec's shell)."""
        if self.alive:  # not reaped, so pid and group are still its own
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
        self.signal(signal.SIGKILL)

    async def wait(self, timeout_seconds: float | None = None) -> Exit:
        """Raises TimeoutError."""
        async with asyncio.timeout(timeout_seconds):
            return await asyncio.shield(self.exited)

    async def kill(self) -> Exit:
        self.signal(signal.SIGKILL)
        return await self.wait()

    def release(self) -> None:
        """Stops watching; the process goes on (the runtime ends, say)."""
        if self.alive:
            self._loop.remove_reader(self._pidfd)
            os.close(self._pidfd)
            self.exited.cancel()

    def _ended(self) -> None:
        self._loop.remove_reader(self._pidfd)
        self.exited.set_result(_reap(self._pidfd))
        os.close(self._pidfd)


def _reap(pidfd: int) -> Exit:
    try:
        status = os.waitid(os.P_PIDFD, pidfd, os.WEXITED)
    except ChildProcessError:
        return Exit(137, known=False)  # what Kubernetes' ContainerStatusUnknown says
    assert status is not None
    if status.si_code == os.CLD_EXITED:
        return Exit(status.si_status)
    return Exit(128 + status.si_status, status.si_status)
