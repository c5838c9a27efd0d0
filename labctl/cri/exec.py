"""Exec: a program beside or inside a container.

The caller's stdin, stdout and stderr go along, so no byte of what flows is copied by the runtime;
for a terminal the master comes back (it is made in the container's own devpts, so that ttyname
works there). Hanging up kills what was started.
"""

import asyncio
import contextlib
import os
from dataclasses import dataclass

from labctl.cri import messages
from labctl.cri.leash import Leash


@dataclass(frozen=True, slots=True)
class ExecResult:
    exit_code: int
    stdout: bytes
    stderr: bytes


class ExecSession(Leash):
    """A started program."""

    pid = 0

    @property
    def terminal(self) -> int | None:
        """The master's descriptor, the caller's to close, or None."""
        return self.descriptor

    async def started(self) -> None:
        self.pid = (await self.reply(messages.ExecStarted)).pid

    async def wait(self) -> int:
        """Its exit code; 128 + n when signal n ended it."""
        return (await self.reply(messages.ExecExited)).exit_code


async def open_session(
    path: str, request: messages.Exec, descriptors: tuple[int, int, int] | None
) -> ExecSession:
    """Connects, asks, and waits until the program was executed."""
    return await ExecSession.open(path, request, descriptors or ())


async def collect(path: str, request: messages.Exec) -> ExecResult:
    """Runs to the end with an empty stdin and gathers both outputs."""
    with contextlib.ExitStack() as stack:
        null = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        stack.callback(os.close, null)
        out, out_end = await _pipe(stack)
        err, err_end = await _pipe(stack)
        try:
            session = await open_session(path, request, (null, out_end, err_end))
        finally:
            os.close(out_end)
            os.close(err_end)
        stack.callback(session.close)
        stdout, stderr, code = await asyncio.gather(out.read(), err.read(), session.wait())
        return ExecResult(code, stdout, stderr)


async def _pipe(stack: contextlib.ExitStack) -> tuple[asyncio.StreamReader, int]:
    """A reader on a new pipe, closed with `stack`, and the pipe's writing end."""
    read_end, write_end = os.pipe2(os.O_CLOEXEC)
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(read_end, "rb", 0)
    )
    stack.callback(transport.close)
    return reader, write_end
