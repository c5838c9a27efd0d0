"""The near ends of a program's stdin, stdout and stderr: pipes, or one terminal."""

import contextlib
import fcntl
import os
import struct
import termios
from dataclasses import dataclass
from typing import Protocol, Self

from labctl.cri.client import RuntimeClient
from labctl.cri.messages import TerminalSize

_WINSIZE = struct.Struct("HHHH")  # rows, columns, and two sizes in pixels that nobody uses


@dataclass(frozen=True, slots=True)
class Wishes:
    """Which streams a client wants."""

    stdin: bool = False
    stdout: bool = True
    stderr: bool = True
    tty: bool = False


class Session(Protocol):
    """What is at the other ends."""

    async def wait(self) -> int:
        """The exit code, once it ended; raises CriError."""

    def close(self) -> None:
        """Hangs up."""


class _Pipes:
    """Pipes to be handed to the runtime; closed after that, but for near ends that are kept.

    For a stream that nobody wants the far end is /dev/null, and the near one -1.
    """

    def __init__(self) -> None:
        self._near = contextlib.ExitStack()
        self._far = contextlib.ExitStack()
        self.far_ends: list[int] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._far.close()
        self._near.close()

    def keep_near_ends(self) -> None:
        self._near.pop_all()

    def write_end(self, wanted: bool) -> int:
        """Of a pipe whose reading end is the far one."""
        if not wanted:
            return self._nowhere()
        far, near = os.pipe2(os.O_CLOEXEC)
        return self._made(near, far)

    def read_end(self, wanted: bool) -> int:
        """Of a pipe whose writing end is the far one."""
        if not wanted:
            return self._nowhere()
        near, far = os.pipe2(os.O_CLOEXEC)
        return self._made(near, far)

    def _nowhere(self) -> int:
        self._made(-1, os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC))
        return -1

    def _made(self, near: int, far: int) -> int:
        self._far.callback(os.close, far)
        self.far_ends.append(far)
        if near >= 0:
            self._near.callback(os.close, near)
            os.set_blocking(near, False)
        return near


@dataclass
class Streams:
    """What a started program reads from and writes to. A descriptor that there is not is -1.

    `terminal` is the one to be told a size. One that `leaves` is done for once its stdin has ended.
    """

    session: Session
    stdin: int
    stdout: int
    stderr: int
    terminal: int = -1
    leaves: bool = False

    @classmethod
    async def of_exec(
        cls, runtime: RuntimeClient, container: str, command: tuple[str, ...], wishes: Wishes
    ) -> Self:
        """Raises CriError, with the exit code of a command that cannot be executed."""
        if wishes.tty:
            session = await runtime.exec(container, command, terminal=TerminalSize())
            assert session.terminal is not None
            master = session.terminal
            os.set_blocking(master, False)
            return cls(session, master if wishes.stdin else -1, master, -1, master)
        with _Pipes() as pipes:
            stdin = pipes.write_end(wishes.stdin)
            stdout, stderr = pipes.read_end(wishes.stdout), pipes.read_end(wishes.stderr)
            far_in, far_out, far_err = pipes.far_ends
            session = await runtime.exec(container, command, (far_in, far_out, far_err))
            pipes.keep_near_ends()
        return cls(session, stdin, stdout, stderr)

    @classmethod
    async def of_attach(
        cls, runtime: RuntimeClient, container: str, wishes: Wishes, *, unheard: bool
    ) -> Self:
        """Raises CriError. Where the container has no stdin or terminal, there is none."""
        with _Pipes() as pipes:
            stdout, stderr = pipes.read_end(wishes.stdout), pipes.read_end(wishes.stderr)
            far_out, far_err = pipes.far_ends
            session = await runtime.attach(
                container, (far_out, far_err), stdin=wishes.stdin, unheard=unheard
            )
            pipes.keep_near_ends()
        came = -1 if session.stdin is None else session.stdin
        if came >= 0:
            os.set_blocking(came, False)
        stdin, terminal = came if wishes.stdin else -1, came if session.terminal else -1
        return cls(session, stdin, stdout, stderr, terminal, leaves=session.stays)

    def resize(self, rows: int, columns: int) -> None:
        """Tells the terminal its size; the kernel signals SIGWINCH. Raises OSError, struct.error."""
        if self.terminal >= 0:
            fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, _WINSIZE.pack(rows, columns, 0, 0))

    def end_stdin(self) -> None:
        """No more input. A terminal has no such thing: its user types Ctrl-D."""
        if self.terminal < 0 and self.stdin >= 0:
            os.close(self.stdin)
            self.stdin = -1

    def close(self) -> None:
        """Hangs up (which ends an exec), and closes everything."""
        self.session.close()
        for descriptor in {self.stdin, self.stdout, self.stderr, self.terminal} - {-1}:
            os.close(descriptor)
        self.stdin = self.stdout = self.stderr = self.terminal = -1
