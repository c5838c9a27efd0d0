"""What a lab holds at a moment: memory, descriptors, threads, namespaces, kernel memory, files.

Read from /proc and the cgroups' files, from outside; the lab is not asked.
"""

import contextlib
import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from labctl import names
from labctl.cgroups.hierarchies import read_hierarchies
from labctl.lab import cgroup, processes


@dataclass(frozen=True)
class Reading:
    """Sums by kind of process where it says so; sizes in bytes."""

    pods: int  # made and deleted until now
    recent: int  # of these, in the last ten minutes
    seconds: float
    agents: int
    pss: Counter[str]
    descriptors: Counter[str]
    threads: Counter[str]
    processes: int
    namespaces: int
    kernel: int
    store: int


def read(lab: str, pods: int, recent: int, seconds: float, group: Path | None) -> Reading:
    """`group` is where the lab's processes are accounted for, see `accounted`."""
    crew = {one.pid: _kind(one.name) for one in processes.read_record(lab).processes}
    return Reading(
        pods=pods,
        recent=recent,
        seconds=seconds,
        agents=sum(1 for kind in crew.values() if kind == "agents"),
        pss=_sum(crew, _pss),
        descriptors=_sum(crew, lambda pid: len(os.listdir(f"/proc/{pid}/fd"))),
        threads=_sum(crew, lambda pid: len(os.listdir(f"/proc/{pid}/task"))),
        processes=len(cgroup.members(lab)),
        namespaces=len(_namespaces(lab)),
        kernel=_kernel(lab, group),
        store=_size(names.store_file(lab)) + _size(Path(f"{names.store_file(lab)}-wal")),
    )


@contextlib.contextmanager
def accounted(name: str) -> Iterator[Path | None]:
    """A memory cgroup around this process and all that it starts, where version 1 has memory.

    In version 2 the lab's own group counts, and there is nothing to make.
    """
    memory = read_hierarchies().legacy.get("memory")
    if memory is None:
        yield None
        return
    group = memory / name
    group.mkdir()
    (group / "cgroup.procs").write_text("0")
    try:
        yield group
    finally:
        (memory / "cgroup.procs").write_text("0")
        group.rmdir()


def _kind(name: str) -> str:
    return "agents" if name.startswith(processes.agent("")) else name


def _sum(crew: dict[int, str], measure: Callable[[int], int]) -> Counter[str]:
    total: Counter[str] = Counter()
    for pid, kind in crew.items():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            total[kind] += measure(pid)
    return total


def _pss(pid: int) -> int:
    """What is shared counts in parts: the sum over processes is what they take together."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def _namespaces(lab: str) -> set[int]:
    """Network namespaces that a process of the lab is in or has open, or that are pinned."""
    found = set()
    for pid in cgroup.members(lab):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            found.add(os.stat(f"/proc/{pid}/ns/net").st_ino)
            found |= _held(pid)
    for pin in names.NETNS_DIR.glob(f"{names.netns_prefix(lab)}*"):
        with contextlib.suppress(OSError):
            found.add(pin.stat().st_ino)
    return found


def _held(pid: int) -> set[int]:
    held = set()
    for descriptor in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            target = os.readlink(f"/proc/{pid}/fd/{descriptor}")
            if target.startswith("net:["):
                held.add(int(target[5:-1]))
    return held


def _kernel(lab: str, group: Path | None) -> int:
    """What the kernel holds for the lab's processes: slabs, page tables, stacks, sockets.

    Only what it cannot do without: names of files that were looked up once are given up before.
    """
    if group is None:
        own = cgroup.path(lab)
        _reclaim(own / "memory.reclaim", "1G")
        stat = (own / "memory.stat").read_text()
        return int(stat.partition("\nkernel ")[2].split("\n")[0])
    groups = (group, group.with_name(names.lab_cgroup(lab)))
    for one in groups:
        _reclaim(one / "memory.force_empty", "0")
    return sum(int((one / "memory.kmem.usage_in_bytes").read_text()) for one in groups)


def _reclaim(file: Path, word: str) -> None:
    with contextlib.suppress(OSError):  # EAGAIN: less could be given up than was asked for
        file.write_text(word)


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0
