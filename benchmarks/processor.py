"""What processes have used: processor time."""

import os
import time
from collections.abc import Iterable
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_QUIET = 0.04  # of one processor: a lab's own heartbeats are less
_WINDOW, _DEADLINE = 0.25, 30.0


def used(pids: Iterable[int]) -> float:
    """Seconds that the processes, and their children that have ended, have run."""
    return sum(map(_used, pids))


def _used(pid: int) -> float:
    stat = Path(f"/proc/{pid}/stat").read_text()
    fields = stat[stat.rindex(")") + 2 :].split()
    return sum(map(int, fields[11:15])) / _TICKS  # utime, stime, cutime, cstime: proc(5)


def ran(pid: int) -> float:
    """Seconds that a process of one thread has run, to the nanosecond; 0 when it is gone."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
    except OSError:
        return 0.0


def await_quiet(pids: Iterable[int]) -> None:
    """Returns when the processes have nothing to do any more; TimeoutError if they always have."""
    pids = list(pids)
    deadline = time.monotonic() + _DEADLINE
    while True:
        before = used(pids)
        time.sleep(_WINDOW)
        if used(pids) - before <= _QUIET * _WINDOW:
            return
        if time.monotonic() > deadline:
            raise TimeoutError("a lab does not come to rest")
