"""What processes hold in memory, shared pages shared out among those who share them (PSS)."""

import re
from collections.abc import Iterable
from pathlib import Path

_PSS = re.compile(r"^Pss: +(\d+) kB", re.MULTILINE)


def proportional(pid: int) -> float:
    """KB of a process; 0 when it is gone."""
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0.0
    found = _PSS.search(rollup)
    return float(found[1]) if found else 0.0


def total(pids: Iterable[int]) -> float:
    """KB of all of them together."""
    return sum(map(proportional, pids))
