"""What a program reads from and writes to: FIFOs in the file system, or a terminal.

Both outlive this process. A program holds its FIFOs open for reading as well as writing, and its
terminal's master beside the terminal, so that neither breaks while there is no runtime; the one that
comes after opens the same FIFOs, and takes the master from the program (pidfd_getfd(2)).
Only stdin of the kind that ends with its first client ends with the runtime, too, if nobody has
attached: what could keep it open would also keep it from ending.
"""

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from labctl.cri.errors import RUN_CONTAINER_ERROR, CriError
from labctl.cri.messages import ContainerConfig
from labctl.runtime.audience import Audience
from labctl.runtime.logs import STREAMS, LogFile, LogPipe, Stream
from labctl.runtime.processes import Process
from labctl.runtime.spawn.child import TERMINAL_KEPT_AT
from labctl.runtime.spawn.syscalls import pidfd_getfd

Ends = tuple[int | None, int | None, int | None]
Audiences = dict[Stream, Audience]


def audiences(config: ContainerConfig) -> Audiences:
    """Nobody yet. What an interactive program says first waits for its first listener."""
    return {stream: Audience(patient=config.stdin_once) for stream in STREAMS}


class Stdio:
    """The near side of one program's streams, and its log."""

    def __init__(
        self,
        directory: Path,
        container_id: str,
        config: ContainerConfig,
        heard_by: Audiences,
        failing: Callable[[str], None],
    ) -> None:
        """Opens what there is and makes what is not; raises CriError. See LogFile for `failing`."""
        self._place = f"{directory}/{container_id}"
        self._config = config
        self._audiences = heard_by
        self._file = LogFile(config.log_path, failing=failing)
        self._pipes: list[LogPipe] = []
        self._stdin: int | None = None  # held for the first client, where stdin ends with it
        self._master: int | None = None
        try:
            self._file.create()
            for stream in () if config.tty else STREAMS:
                # read and write: there is no end of file to spin on while no program writes
                self._read(self._open(stream, os.O_RDWR), stream)
        except OSError as error:
            self.finish()
            sentence = f"log {config.log_path}: {(error.strerror or '').lower()}"
            raise CriError(sentence, RUN_CONTAINER_ERROR) from error

    @contextlib.contextmanager
    def ends(self) -> Iterator[Ends]:
        """A program's descriptors for the time of starting it; None where it has /dev/null."""
        with contextlib.ExitStack() as stack:

            def far(name: str, flags: int) -> int:
                descriptor = self._open(name, flags)
                stack.callback(os.close, descriptor)
                return descriptor

            if self._config.tty:
                yield (None, None, None)
                return
            stdin = None
            if self._config.stdin and self._config.stdin_once:
                far("stdin", os.O_RDWR)  # or opening one end would wait for the other
                self._stdin = self._open("stdin", os.O_WRONLY)
                stdin = far("stdin", os.O_RDONLY)
            elif self._config.stdin:
                stdin = far("stdin", os.O_RDWR)
            yield (stdin, far("stdout", os.O_RDWR), far("stderr", os.O_RDWR))

    def started(self, master: int | None) -> None:
        """The program runs; `master` is its terminal's, from now on our own."""
        if master is not None:
            self._take_master(master)

    def adopted(self, process: Process) -> None:
        """Takes the terminal back from a program that runs already."""
        if self._config.tty and process.alive:
            with contextlib.suppress(OSError):  # it closed what it did not know
                self._take_master(pidfd_getfd(process.pidfd, TERMINAL_KEPT_AT))

    def stdin_for_client(self) -> int | None:
        """What leads to the program's stdin, the caller's own; None if nothing does."""
        if not self._config.stdin:
            return None
        if self._config.stdin_once:
            held, self._stdin = self._stdin, None
            return held
        with contextlib.suppress(OSError):  # the program has closed it
            return self._open("stdin", os.O_WRONLY | os.O_NONBLOCK)
        return None

    def terminal_for_client(self) -> int | None:
        """A copy of the terminal's master, the caller's own; None if there is none."""
        return None if self._master is None else os.dup(self._master)

    def finish(self) -> None:
        """Logs what is left, once the program is gone, and removes the FIFOs."""
        for pipe in self._pipes:
            pipe.finish()
        for audience in self._audiences.values():
            audience.end()
        self._let_go()
        for name in ("stdin", *STREAMS):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(f"{self._place}.{name}")

    def release(self) -> None:
        """Leaves everything to the next runtime."""
        for pipe in self._pipes:
            pipe.release()
        self._let_go()

    def _take_master(self, master: int) -> None:
        self._master = master
        self._read(os.dup(master), "stdout")

    def _read(self, descriptor: int, stream: Stream) -> None:
        self._pipes.append(LogPipe(descriptor, stream, self._file, self._audiences[stream]))

    def _open(self, name: str, flags: int) -> int:
        path = f"{self._place}.{name}"
        with contextlib.suppress(FileExistsError):
            os.mkfifo(path, 0o600)
        return os.open(path, flags | os.O_CLOEXEC)

    def _let_go(self) -> None:
        for descriptor in (self._stdin, self._master):
            if descriptor is not None:
                os.close(descriptor)
        self._stdin = self._master = None
        self._pipes.clear()
