"""The near ends of a command's stdin, stdout and stderr: three pipes, or one terminal."""

import contextlib
import fcntl
import os
import struct
import termios
from dataclasses import dataclass
from typing import Self

from labctl.cri.client import RuntimeClient
from labctl.cri.exec import ExecSession
from labctl.cri.messages import TerminalSize

_WINSIZE = struct.Struct("HHHH")  # rows, columns, and two sizes in pixels that nobody uses


@dataclass
class ExecStreams:
    """A started command with what it reads from and writes to. `stderr` is -1 with a terminal."""

    session: ExecSession
    stdin: int
    stdout: int
    stderr: int

    @classmethod
    async def start(
        cls, runtime: RuntimeClient, container: str, command: tuple[str, ...], *, tty: bool
    ) -> Self:
        """Raises CriError, with the exit code of a command that cannot be executed."""
        if tty:
            session = await runtime.exec(container, command, terminal=TerminalSize())
            assert session.terminal is not None
            os.set_blocking(session.terminal, False)
            return cls(session, session.terminal, session.terminal, -1)
        with contextlib.ExitStack() as far_ends:
            pipes = [os.pipe2(os.O_CLOEXEC) for _ in range(3)]
            (in_read, stdin), (stdout, out_write), (stderr, err_write) = pipes
            for descriptor in (in_read, out_write, err_write):
                far_ends.callback(os.close, descriptor)
            for descriptor in (stdin, stdout, stderr):
                os.set_blocking(descriptor, False)
            try:
                session = await runtime.exec(container, command, (in_read, out_write, err_write))
            except BaseException:
                for descriptor in (stdin, stdout, stderr):
                    os.close(descriptor)
                raise
        return cls(session, stdin, stdout, stderr)

    def resize(self, rows: int, columns: int) -> None:
        """Tells the terminal its size; the kernel signals SIGWINCH."""
        if self.stderr < 0:
            fcntl.ioctl(self.stdin, termios.TIOCSWINSZ, _WINSIZE.pack(rows, columns, 0, 0))

    def end_stdin(self) -> None:
        """No more input. A terminal has no such thing: its user types Ctrl-D."""
        if self.stderr >= 0 and self.stdin >= 0:
            os.close(self.stdin)
            self.stdin = -1

    def close(self) -> None:
        """Kills the command if it still runs, and closes everything."""
        self.session.close()
        for descriptor in {self.stdin, self.stdout, self.stderr} - {-1}:
            os.close(descriptor)
        self.stdin = self.stdout = self.stderr = -1
