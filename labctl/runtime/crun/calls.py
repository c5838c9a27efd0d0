"""Calling crun: for one container, create, start and delete, and what it says when it cannot."""

import contextlib
import json
import os
import shutil
import socket
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from labctl.cri.errors import RUN_CONTAINER_ERROR, CriError
from labctl.passing import receive
from labctl.runtime.processes import Exit, Process
from labctl.runtime.programs import DEFAULT_PATH
from labctl.runtime.spawn.syscalls import IGNORED

PROGRAM = "crun"

_MISSING = (
    "crun is not installed on this host, and the runtime class crun needs it: apt-get install crun"
)
_DELETE = "delete"
_NOTHING = tuple((os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in range(3))


def find_crun() -> str:
    """Raises CriError when it is not installed."""
    path = shutil.which(PROGRAM, path=DEFAULT_PATH)
    if path is None:
        raise CriError(_MISSING, RUN_CONTAINER_ERROR)
    return path


class Bundle:
    """A container's directory, below the one where crun keeps what it knows of all of them.

    The cgroup is the lab's affair: crun is told to leave it alone.
    """

    def __init__(self, directory: Path, container_id: str) -> None:
        self._id = container_id
        self._state = directory / "state"
        self._place = directory / "bundles" / container_id
        # a name of its own, since the path of a socket may have 107 characters
        self._terminal = directory / sha256(container_id.encode()).hexdigest()[:16]

    def write(self, config: dict[str, Any]) -> None:
        """Raises CriError."""
        try:
            self._place.mkdir(mode=0o700, parents=True, exist_ok=True)
            (self._place / "config.json").write_text(json.dumps(config))
        except OSError as error:
            why = f"bundle {self._place}: {(error.strerror or '').lower()}"
            raise CriError(why, RUN_CONTAINER_ERROR) from error

    def creation(self, program: str, *, terminal: bool) -> tuple[str, ...]:
        """The command that makes the container, its process waiting for `start`."""
        return (
            *self._command(program, "create"),
            f"--bundle={self._place}",
            f"--pid-file={self._place}/pid",
            *((f"--console-socket={self._terminal}",) if terminal else ()),
            self._id,
        )

    @property
    def pid(self) -> int:
        return int((self._place / "pid").read_text())

    async def start(self) -> Exit:
        return await self._call(find_crun(), "start")

    def delete(self) -> None:
        """Lets crun forget it, and removes the directory; nobody waits for that."""
        with contextlib.suppress(CriError, OSError):
            self._call_soon(find_crun(), _DELETE, "--force")
        shutil.rmtree(self._place, ignore_errors=True)

    def complaint(self) -> str:
        """What crun said last: a sentence."""
        try:
            last = (self._place / "log").read_text().splitlines()[-1]
            return str(json.loads(last)["msg"])
        except (OSError, ValueError, LookupError, TypeError):
            return f"{PROGRAM} failed and did not say why"

    @contextlib.contextmanager
    def terminal(self, *, wanted: bool) -> Iterator[socket.socket | None]:
        """The socket over which crun sends a terminal's master."""
        if not wanted:
            yield None
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as listener:
            self._terminal.unlink(missing_ok=True)
            listener.bind(str(self._terminal))
            try:
                listener.listen(1)
                listener.setblocking(False)
                yield listener
            finally:
                self._terminal.unlink(missing_ok=True)

    async def _call(self, program: str, verb: str) -> Exit:
        return await self._call_soon(program, verb).wait()

    def _call_soon(self, program: str, verb: str, *options: str) -> Process:
        argv = (*self._command(program, verb), *options, self._id)
        pid = os.posix_spawn(
            program,
            argv,
            {"PATH": DEFAULT_PATH},
            file_actions=_NOTHING,
            setsid=True,
            setsigmask=[],
            setsigdef=IGNORED,
        )
        return Process.of_child(pid)

    def _command(self, program: str, verb: str) -> tuple[str, ...]:
        log = (f"--log={self._place}/log", "--log-format=json") if verb != _DELETE else ()
        return (program, f"--root={self._state}", "--cgroup-manager=disabled", *log, verb)


def received_terminal(listener: socket.socket) -> int:
    """The master that crun has sent; raises OSError."""
    connection, _ = listener.accept()
    with connection:
        _, descriptors = receive(connection, 4096)
    return descriptors[0]
