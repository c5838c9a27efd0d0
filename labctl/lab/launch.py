"""How `labctl up` starts a supervisor: early, so that it imports while `up` builds the fabric.

The supervisor is a grandchild in a session of its own, in the lab's cgroup from before its first
import. It waits for "go" on a socket pair and ends when `up` dies before that, so an `up` killed
half-way leaves no process behind.
"""

import os
import signal
import socket
import sys
import traceback
from typing import NoReturn

import msgspec

from labctl.errors import LabError
from labctl.lab import cgroup, children, processes, supervisor

_READY_SECONDS = 30.0


class Launch:
    """A supervisor that waits for its word; a context manager that turns it away at the end."""

    def __init__(self, lab: str) -> None:
        self._lab = lab
        self._channel, far = socket.socketpair()
        self._channel.settimeout(_READY_SECONDS)
        child = os.fork()
        if child == 0:
            self._channel.close()
            _detach(lab, far)
        far.close()
        os.waitpid(child, 0)

    def go(self, crew: list[str]) -> None:
        """Has it start or adopt these processes; LabError when it died."""
        try:
            self._channel.sendall(msgspec.json.encode(crew) + b"\n")
        except OSError:
            self._fail()

    def wait(self) -> None:
        """Returns when it has started them; LabError when it died."""
        try:
            ready = self._channel.recv(1)
        except OSError:
            ready = b""
        if not ready:
            self._fail()

    def _fail(self) -> NoReturn:
        said = children.last_lines(self._lab, processes.SUPERVISOR, 1)
        raise LabError(f"the lab's supervisor did not start: {' '.join(said)}")

    def close(self) -> None:
        """A supervisor that was not told to go ends now; one that was goes on."""
        self._channel.close()


def _detach(lab: str, channel: socket.socket) -> NoReturn:
    """Forks once more, so that init adopts the supervisor, and becomes it."""
    try:
        os.setsid()
        if os.fork() == 0:
            _supervise(lab, channel)
    finally:
        os._exit(0)


def _supervise(lab: str, channel: socket.socket) -> NoReturn:
    try:
        os.chdir("/")
        cgroup.enter(lab, cgroup.SUPERVISOR)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        children.redirect_output(children.log_file(lab, processes.SUPERVISOR))
        _close_all_but(channel.fileno())
        supervisor.serve(lab, lambda: _wait_for_go(channel), lambda: _tell_ready(channel))
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(0)


def _wait_for_go(channel: socket.socket) -> list[str] | None:
    with channel.makefile("rb") as lines:
        line = lines.readline()
    return msgspec.json.decode(line, type=list[str]) if line else None


def _tell_ready(channel: socket.socket) -> None:
    channel.send(b".")
    channel.close()


def _close_all_but(descriptor: int) -> None:
    os.closerange(3, descriptor)
    os.closerange(descriptor + 1, os.sysconf("SC_OPEN_MAX"))
