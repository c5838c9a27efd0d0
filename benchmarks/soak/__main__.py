"""`make soak`: `python -m benchmarks.soak --pods 10000 --nodes 10 --rounds 20 --every 60`.

Takes twenty minutes, so that the store forgets while it is watched; three with `--every 0`.
Prints a line a round, and at the end a table of what grew and by how much it may; 1 if it may not.
"""

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from benchmarks.lab import Lab
from benchmarks.soak import bounds, gauges, load
from benchmarks.soak.gauges import Reading
from labctl import names
from labctl.cri.client import RuntimeClient
from labctl.lab import connect

_HISTORY_SECONDS = 600.0  # the store forgets every five minutes what is older than five minutes
_LAB = f"soak-{os.getpid()}"
_COLUMNS = (
    *("pods", "seconds"),
    *("control plane", "agents", "runtime", "supervisor"),
    *("descriptors", "threads", "namespaces", "kernel", "store"),
)


def main() -> int:
    wanted = _arguments()
    with gauges.accounted(_LAB) as group:
        lab = Lab(wanted.nodes, _LAB)
        try:
            lab.command("up", "--nodes", str(wanted.nodes))
            readings = asyncio.run(_soak(wanted, group))
        finally:
            lab.command("down")
    growths = list(bounds.judge(readings))
    print("\n| gauge | after a quarter | at the end | grew | may grow by |")
    print("| --- | --- | --- | --- | --- |")
    for one in growths:
        figures = (one.before, one.after, one.after - one.before, one.allowed)
        print(f"| {one.bound.name} | {' | '.join(f'{figure:.1f}' for figure in figures)} |")
    broken = [one.bound.name for one in growths if not one.is_within]
    print(f"\ngrew too much: {', '.join(broken)}" if broken else "\nall within their bounds")
    return 1 if broken else 0


async def _soak(wanted: argparse.Namespace, group: Path | None) -> list[Reading]:
    client, runtime = connect.client(_LAB), RuntimeClient(names.runtime_socket(_LAB))
    began, count = time.monotonic(), wanted.pods // wanted.rounds
    readings = [gauges.read(_LAB, 0, 0, 0.0, group)]
    _print_row(_COLUMNS)
    _print_row("---" for _ in _COLUMNS)
    _print_reading(readings[0])
    for number in range(1, wanted.rounds + 1):
        await load.make_and_delete(client, runtime, count)
        took = time.monotonic() - began
        recent = count + sum(count for one in readings[1:] if one.seconds > took - _HISTORY_SECONDS)
        readings.append(gauges.read(_LAB, number * count, recent, took, group))
        _print_reading(readings[-1])
        await asyncio.sleep(max(0.0, number * wanted.every - took))
    await runtime.close()
    return readings


def _print_reading(one: Reading) -> None:
    kinds = ("control-plane", "agents", "runtime", "supervisor")
    memory = [f"{one.pss[kind] / bounds.MIB:.1f}" for kind in kinds]
    counts = (one.descriptors.total(), one.threads.total(), one.namespaces)
    sizes = (f"{size / bounds.MIB:.1f}" for size in (one.kernel, one.store))
    _print_row((one.pods, f"{one.seconds:.0f}", *memory, *counts, *sizes))


def _print_row(cells: Iterable[object]) -> None:
    print(f"| {' | '.join(map(str, cells))} |", flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--pods", type=int, default=10_000)
    parser.add_argument("--nodes", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--every", type=float, default=60.0, help="seconds from round to round")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
