"""Which processor runs what, so that two who are measured do not take each other's time."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

_CORES = sorted(os.sched_getaffinity(0))


@contextmanager
def pinned(core: int) -> Iterator[None]:
    """Puts this process, and what it forks, on one core, on a machine that has several."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, _number(core))
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def pin(pids: Iterable[int], core: int) -> None:
    """Puts those processes, all their threads, on one core for good."""
    for pid in pids:
        for task in Path(f"/proc/{pid}/task").iterdir():
            os.sched_setaffinity(int(task.name), _number(core))


def _number(core: int) -> set[int]:
    return {_CORES[core % len(_CORES)]}
