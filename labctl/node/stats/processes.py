"""What processes and containers use: time on CPUs since they began, memory that they hold now.

A container's processes are those of its cgroup, whoever started them; an exec in it too.
"""

import contextlib
import os
from typing import Final

from labctl.cgroups.group import Group, Usage

_TICK: Final = 1_000_000_000 // os.sysconf("SC_CLK_TCK")  # nanoseconds
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
# proc(5): fields 14 to 17 of /proc/PID/stat, utime, stime, cutime, cstime; field 24, rss in pages;
# counted from the first behind the name, which is in parentheses and may hold anything.
_TIMES, _RSS = slice(11, 15), 21
_GONE: Final = (FileNotFoundError, ProcessLookupError)


def usage_of_process(pid: int) -> Usage:
    """One process and the children that it has waited for; nothing of one that is gone."""
    try:
        stat = _read(f"/proc/{pid}/stat")
    except _GONE:
        return Usage()
    fields = stat[stat.rindex(b")") + 2 :].split()
    ticks = sum(map(int, fields[_TIMES]))
    return Usage(ticks * _TICK, _proportional_set(pid) or int(fields[_RSS]) * _PAGE)


def usage_of_group(group: Group) -> Usage:
    """What a container uses by its cgroup; its memory by its processes where no controller counts."""
    used = group.usage() or Usage()
    if group.counts_memory:
        return used
    return Usage(used.cpu, sum(usage_of_process(pid).memory for pid in group.members()))


def _proportional_set(pid: int) -> int:
    """Bytes of memory, of shared pages a fair part; 0 where the kernel does not tell.

    Agents are forked from one image, so that the sum of their resident sets would count it often.
    """
    with contextlib.suppress(OSError):
        for line in _read(f"/proc/{pid}/smaps_rollup").splitlines():
            if line.startswith(b"Pss:"):
                return int(line.split()[1]) * 1024
    return 0


def _read(path: str) -> bytes:
    with open(path, "rb", buffering=0) as file:
        return file.read()
