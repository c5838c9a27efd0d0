"""What processes use, as /proc tells: time on CPUs since they began, memory that they hold now.

A container's processes are those of its pid namespace, whoever started them; an exec in it too.
"""

import contextlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

_TICK: Final = 1_000_000_000 // os.sysconf("SC_CLK_TCK")  # nanoseconds
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
# proc(5): fields 14 to 17 of /proc/PID/stat, utime, stime, cutime, cstime; field 24, rss in pages;
# counted from the first behind the name, which is in parentheses and may hold anything.
_TIMES, _RSS = slice(11, 15), 21
_GONE: Final = (FileNotFoundError, ProcessLookupError)


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU time in nanoseconds, and memory in bytes."""

    cpu: int = 0
    memory: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(self.cpu + other.cpu, self.memory + other.memory)


def usage_of_process(pid: int) -> Usage:
    """One process and the children that it has waited for; nothing of one that is gone."""
    try:
        stat = _read(f"/proc/{pid}/stat")
    except _GONE:
        return Usage()
    fields = stat[stat.rindex(b")") + 2 :].split()
    ticks = sum(map(int, fields[_TIMES]))
    return Usage(ticks * _TICK, _proportional_set(pid) or int(fields[_RSS]) * _PAGE)


def usage_of_containers(pids: Iterable[int]) -> dict[int, Usage]:
    """What each container uses, by the pid of its first process."""
    containers = {space: pid for pid in pids for space in _pid_namespace(pid)}
    found = dict.fromkeys(containers.values(), Usage())
    for pid in _all_processes() if containers else ():
        for space in _pid_namespace(pid):
            if space in containers:
                found[containers[space]] += usage_of_process(pid)
    return found


def _proportional_set(pid: int) -> int:
    """Bytes of memory, of shared pages a fair part; 0 where the kernel does not tell.

    Agents are forked from one image, so that the sum of their resident sets would count it often.
    """
    with contextlib.suppress(OSError):
        for line in _read(f"/proc/{pid}/smaps_rollup").splitlines():
            if line.startswith(b"Pss:"):
                return int(line.split()[1]) * 1024
    return 0


def _all_processes() -> Iterator[int]:
    return (int(entry) for entry in os.listdir("/proc") if entry.isdigit())


def _pid_namespace(pid: int) -> Iterator[str]:
    """Its name, unless the process is gone."""
    with contextlib.suppress(OSError):
        yield os.readlink(f"/proc/{pid}/ns/pid")


def _read(path: str) -> bytes:
    with open(path, "rb", buffering=0) as file:
        return file.read()
