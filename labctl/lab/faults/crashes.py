"""Processes that crash: SIGKILL for one, which the supervisor then starts again."""

import os
import select
import signal

from labctl.errors import LabError
from labctl.lab import processes

_SECONDS = 5.0


def kill_control_plane(lab: str) -> None:
    """API server, controllers and scheduler at once; returns when they are dead."""
    _crash(lab, processes.CONTROL_PLANE)


def kill_runtime(lab: str) -> None:
    """What runs goes on, and is adopted; returns when the runtime is dead."""
    _crash(lab, processes.RUNTIME)


def _crash(lab: str, wanted: str) -> None:
    """Raises LabError when the process does not run: it is being started again, or nobody does."""
    for process in processes.read_record(lab).processes:
        pidfd = processes.open_pidfd(process) if process.name == wanted else None
        if pidfd is not None:
            _kill(pidfd)
            return
    raise LabError(f"the {wanted} does not run", f"labctl --lab {lab} status")


def _kill(pidfd: int) -> None:
    try:
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        poll = select.poll()
        poll.register(pidfd, select.POLLIN)
        poll.poll(_SECONDS * 1000)
    finally:
        os.close(pidfd)
