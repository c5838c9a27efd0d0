"""One call of a plugin: a process with a time limit and a session of its own.

Configuration comes from a file without a name, so that a plugin which never reads it cannot block
the caller; what it says is read as it comes. The child is spawned by vfork (posix_spawn), in the
network namespace and the cgroup of the caller.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping
from typing import NamedTuple

from labctl.cni.errors import CniError

_LIMIT = 1 << 20  # bytes that a plugin may say
_CHUNK = 1 << 16
_DEFAULT_SIGNALS = (signal.SIGPIPE, signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Answer(NamedTuple):
    """How a plugin ended: exit code (minus the number of a signal), stdout and stderr."""

    code: int
    output: bytes
    complaints: bytes


async def call(
    program: str, environment: Mapping[str, str], config: bytes, seconds: float
) -> Answer:
    """Runs a plugin to its end.

    Raises CniError when it cannot be run, says too much, or is not done after `seconds`; it is
    killed then, with all that it started.
    """
    with contextlib.ExitStack() as stack:
        output, complaints = _Pipe(stack), _Pipe(stack)
        process = _Process(_spawn(program, environment, config, output, complaints), stack)
        try:
            async with asyncio.timeout(seconds):
                await process.ended_or_too_much((output, complaints))
        except TimeoutError:
            raise CniError(f"it was not done after {seconds:g} s, and was killed") from None
        code = process.reap()
        return Answer(code, output.rest(), complaints.rest())


class _Pipe:
    """What a process says, as far as it came; `full` when it is too much."""

    def __init__(self, stack: contextlib.ExitStack) -> None:
        self._reader, self.writer = os.pipe()
        stack.callback(self.close)
        os.set_blocking(self._reader, False)
        self._data = bytearray()

    def fileno(self) -> int:
        return self._reader

    @property
    def full(self) -> bool:
        return len(self._data) > _LIMIT

    def close_writer(self) -> None:
        """The child has its own end."""
        if self.writer >= 0:
            os.close(self.writer)
            self.writer = -1

    def read(self) -> bool:
        """Takes what is there; False at the end."""
        with contextlib.suppress(BlockingIOError):
            data = os.read(self._reader, _CHUNK)
            self._data += data
            return bool(data)
        return True

    def rest(self) -> bytes:
        """All that was said before the process ended; who holds the pipe still is not heard."""
        before = -1
        while before != len(self._data) and not self.full:
            before = len(self._data)
            self.read()
        return bytes(self._data)

    def close(self) -> None:
        self.close_writer()
        os.close(self._reader)


class _Process:
    """A child, known by its pidfd; killed with its session unless it was reaped."""

    def __init__(self, pid: int, stack: contextlib.ExitStack) -> None:
        self._pid = pid
        self._pidfd = os.pidfd_open(pid)
        self._loop = asyncio.get_running_loop()
        self._reaped = False
        stack.callback(os.close, self._pidfd)
        stack.callback(self._end)

    async def ended_or_too_much(self, pipes: tuple[_Pipe, ...]) -> None:
        done: asyncio.Future[None] = self._loop.create_future()
        self._loop.add_reader(self._pidfd, _finish, done)
        for pipe in pipes:
            self._loop.add_reader(pipe.fileno(), self._hear, pipe, done)
        try:
            await done
        finally:
            for descriptor in (self._pidfd, *(pipe.fileno() for pipe in pipes)):
                self._loop.remove_reader(descriptor)

    def _hear(self, pipe: _Pipe, done: "asyncio.Future[None]") -> None:
        if not pipe.read():
            self._loop.remove_reader(pipe.fileno())
        if pipe.full and not done.done():
            done.set_exception(CniError(f"it printed more than {_LIMIT >> 20} MiB"))

    def reap(self) -> int:
        """The exit code, or minus the signal, of one that has ended."""
        status = os.waitid(os.P_PIDFD, self._pidfd, os.WEXITED)
        self._reaped = True
        assert status is not None
        return status.si_status if status.si_code == os.CLD_EXITED else -status.si_status

    def _end(self) -> None:
        if not self._reaped:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._pid, signal.SIGKILL)  # not reaped, so the group is still its own
            self.reap()


def _finish(done: "asyncio.Future[None]") -> None:
    if not done.done():
        done.set_result(None)


def _spawn(
    program: str, environment: Mapping[str, str], config: bytes, output: _Pipe, complaints: _Pipe
) -> int:
    """Raises CniError when the program cannot be executed."""
    source = os.memfd_create("cni-config", os.MFD_CLOEXEC)
    try:
        os.write(source, config)
        os.lseek(source, 0, os.SEEK_SET)
        return os.posix_spawn(
            program,
            [program],
            {**os.environ, **environment},
            file_actions=(
                (os.POSIX_SPAWN_DUP2, source, 0),
                (os.POSIX_SPAWN_DUP2, output.writer, 1),
                (os.POSIX_SPAWN_DUP2, complaints.writer, 2),
            ),
            setsid=True,
            setsigmask=[],
            setsigdef=_DEFAULT_SIGNALS,
        )
    except OSError as error:
        raise CniError(f"it cannot be run: {error.strerror}") from error
    finally:
        os.close(source)
        output.close_writer()
        complaints.close_writer()
