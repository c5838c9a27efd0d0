"""The same API on both engines of the store, one after the other, and what etcd costs more.

python -m benchmarks.stores
"""

import os
import re
from pathlib import Path

import uvloop

from benchmarks.api import bind, measure
from benchmarks.command import command
from labctl.lab import processes

_LAB = f"bst-{os.getpid()}"
Figures = dict[str, tuple[float, str]]


def main() -> None:
    sqlite, etcd = _figures("sqlite"), _figures("etcd")
    print("| measure | sqlite | etcd | etcd / sqlite |\n| --- | --- | --- | --- |")
    for name, (value, form) in etcd.items():
        before = sqlite.get(name)
        first = form.format(before[0]) if before else ""
        ratio = f"{value / before[0]:.2f}" if before else ""
        print(f"| {name} | {first} | {form.format(value)} | {ratio} |")


def _figures(store: str) -> Figures:
    seconds = command(_LAB, "up", "--nodes", "1", "--store", store)
    try:
        idle = _memory("idle")
        bind(_LAB)
        return {
            "labctl up, 1 node": (seconds, "{:.2f} s"),
            **idle,
            **uvloop.run(measure(_LAB)),
            **_memory("after all that"),
        }
    finally:
        command(_LAB, "down")


def _memory(when: str) -> Figures:
    """What control plane and etcd hold for themselves, in MB."""
    return {
        f"memory of {one.name}, {when}": (_unshared(one.pid), "{:.0f} MB")
        for one in processes.read_record(_LAB).processes
        if one.name in (processes.CONTROL_PLANE, processes.ETCD)
    }


def _unshared(pid: int) -> float:
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(map(int, re.findall(r"Private_(?:Clean|Dirty): +([0-9]+)", rollup))) / 1024


if __name__ == "__main__":
    main()
