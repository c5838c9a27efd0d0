"""Forks the processes of a lab from the supervisor's warm image.

A batch is forked, recorded, then released: a child waits at a gate until its pid is on record, and
ends when the supervisor dies before that. So no process of a lab runs that a later supervisor
would not know.
"""

import logging
import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NoReturn

import setproctitle

from labctl import names
from labctl.lab import cgroup, etcd, keeping, processes, warm
from labctl.lab.processes import Process

LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_OPEN = b"."


class Gate:
    """A pipe at which children wait. One byte lets one child through, the end turns all away."""

    def __init__(self) -> None:
        self._exit, self._entry = os.pipe()

    def open(self, children: int) -> None:
        """The supervisor's side: lets that many children through."""
        os.write(self._entry, _OPEN * children)
        os.close(self._entry)
        os.close(self._exit)

    def wait(self) -> bool:
        """The child's side: True when it may go on."""
        os.close(self._entry)  # or the supervisor's end would never be the last one
        return os.read(self._exit, 1) == _OPEN


def log_file(lab: str, name: str) -> Path:
    return names.log_dir(lab) / f"{name}.log"


def last_lines(lab: str, name: str, count: int) -> list[str]:
    """What a process wrote at the end, for the error that tells of its death."""
    try:
        return log_file(lab, name).read_text(errors="replace").splitlines()[-count:]
    except OSError:
        return []


def title(lab: str, name: str) -> str:
    """What ps shows for a process of the lab."""
    if name == processes.CONTROL_PLANE:
        return names.control_plane_title(lab)
    if name == processes.RUNTIME:
        return names.runtime_title(lab)
    if name == processes.ETCD:
        return names.etcd_title(lab)
    return names.agent_title(lab, name.removeprefix(processes.agent("")))


def fork(lab: str, restarts: Sequence[tuple[str, int]], gate: Gate) -> list[Process]:
    """Forks a child for every (name, restarts); they wait at the gate."""
    return [processes.observe(name, _fork(lab, name, gate), count) for name, count in restarts]


def _fork(lab: str, name: str, gate: Gate) -> int:
    pid = os.fork()
    if pid == 0:
        _become(lab, name, gate)
    return pid


def _become(lab: str, name: str, gate: Gate) -> NoReturn:
    code = 1
    try:
        _reset_signals()
        setproctitle.setproctitle(title(lab, name))
        cgroup.enter(lab, cgroup.PROCESSES)
        if not gate.wait():
            os._exit(0)
        redirect_output(log_file(lab, name))
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))
        _entry(lab, name)()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def _entry(lab: str, name: str) -> Callable[[], None]:
    """The program of a process: blocking until SIGTERM."""
    if name == processes.CONTROL_PLANE:
        return partial(warm.load(warm.CONTROL_PLANE).run, lab)
    if name == processes.RUNTIME:
        return partial(keeping.run_runtime, lab)
    if name == processes.ETCD:
        return partial(etcd.run, lab)
    return partial(warm.load(warm.AGENT).run, lab, name.removeprefix(processes.agent("")))


def _reset_signals() -> None:
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def redirect_output(file: Path) -> None:
    """Standard input from /dev/null; output, errors and logging into `file`."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    log = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    logging.basicConfig(level=logging.INFO, format=LOG_FORMAT, stream=sys.stderr, force=True)
