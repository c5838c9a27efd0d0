"""A container's program: its process and the two pipes through which its output reaches the log."""

import contextlib
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from labctl.cri.errors import RUN_CONTAINER_ERROR, CriError
from labctl.runtime.logs import STREAMS, LogFile, LogPipe
from labctl.runtime.processes import Exit, Identity, Process


class Output:
    """The log of one container and the FIFOs that feed it."""

    def __init__(self, streams: Path, container_id: str, log_path: str) -> None:
        """Raises CriError when the log file or the FIFOs cannot be made."""
        self.file = LogFile(log_path)
        self._pipes: list[LogPipe] = []
        try:
            self.file.create()
            for stream in STREAMS:
                path = f"{streams}/{container_id}.{stream}"
                self._pipes.append(LogPipe(path, stream, self.file))
        except OSError as error:
            self.finish()
            sentence = f"log {log_path}: {(error.strerror or '').lower()}"
            raise CriError(sentence, RUN_CONTAINER_ERROR) from error

    @contextlib.contextmanager
    def ends(self) -> Iterator[tuple[int, int]]:
        """Descriptors for a program's stdout and stderr, for the time of starting it."""
        with contextlib.ExitStack() as stack:
            stdout, stderr = (pipe.open_for_program() for pipe in self._pipes)
            stack.callback(os.close, stdout)
            stack.callback(os.close, stderr)
            yield stdout, stderr

    def finish(self) -> None:
        for pipe in self._pipes:
            pipe.finish()

    def release(self) -> None:
        for pipe in self._pipes:
            pipe.release()


@dataclass(frozen=True)
class Program:
    process: Process
    output: Output

    @classmethod
    def adopt(cls, identity: Identity, output: Output) -> "Program | None":
        process = Process.adopt(identity)
        return cls(process, output) if process else None

    async def stop(self, timeout_seconds: float) -> Exit:
        """SIGTERM, a grace of `timeout_seconds`, SIGKILL.

        Its process is the first of a pid namespace: a SIGTERM for which it has no handler does
        nothing (pid_namespaces(7), and so it is under every container runtime), and with it, when
        it goes, all others in the namespace are killed.
        """
        if timeout_seconds > 0:
            self.process.signal(signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                return await self.process.wait(timeout_seconds)
        return await self.process.kill()
