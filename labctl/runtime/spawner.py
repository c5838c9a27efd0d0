"""The runtime's hold on its spawner (spawn/), which forks for it."""

import contextlib
import os
import signal
import socket
import sys
from pathlib import Path

from labctl.cri.errors import RUN_CONTAINER_ERROR, CriError
from labctl.runtime.signals import HANDLED
from labctl.runtime.spawn.plan import Launch, pack
from labctl.runtime.spawn.process import SIZE

_ANSWER_SECONDS = 10.0
_PROGRAM = str(Path(__file__).parent / "spawn" / "__main__.py")


class SpawnerGone(CriError):
    """It was killed, or answered no more and was killed for that: the next call has another."""


class Spawner:
    """Starts the process when it is needed, and again when it is gone."""

    def __init__(self, lab: str) -> None:
        self._lab = lab
        self._channel: socket.socket | None = None
        self._pid = 0

    def start(self) -> socket.socket:
        """Has it run; nobody waits until it is ready."""
        if self._channel is None:
            self._channel, theirs = socket.socketpair()
            self._channel.settimeout(_ANSWER_SECONDS)
            with theirs:
                theirs.set_inheritable(True)
                self._pid = _spawn(self._lab, theirs.fileno())
        return self._channel

    def fork(self, plan: Launch) -> int:
        """The pid of a child of this process, which goes on as planned.

        Raises CriError.
        """
        answer = self._ask(*pack(plan))
        if not answer:
            self.close()
            raise SpawnerGone("fork: the spawner is gone", RUN_CONTAINER_ERROR)
        number = int.from_bytes(answer, "little", signed=True)
        if number < 0:
            raise CriError(f"fork: {os.strerror(-number).lower()}", RUN_CONTAINER_ERROR)
        return number

    def _ask(self, data: bytes, descriptors: list[int]) -> bytes:
        """Its answer; empty if there is none."""
        channel = self.start()
        try:
            socket.send_fds(channel, [len(data).to_bytes(SIZE, "little")], descriptors)
            channel.sendall(data)
            return channel.recv(SIZE)
        except OSError:
            return b""

    def close(self) -> None:
        if self._channel is None:
            return
        self._channel.close()
        self._channel = None
        os.kill(self._pid, signal.SIGKILL)  # not waited for yet: still its own number
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self._pid, 0)


def _spawn(lab: str, descriptor: int) -> int:
    """Without site (-S) and the user's environment (-I) it is ready in 15 ms."""
    argv = [sys.executable, "-I", "-S", _PROGRAM, lab, str(descriptor)]
    # what it forks is not to die of these before the program could handle them
    return os.posix_spawn(sys.executable, argv, {}, setsigmask=HANDLED)
