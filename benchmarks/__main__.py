"""`make bench`: measures a lab on this machine and prints medians and spread.

Absolute times depend on the machine and on what else it does; nothing here passes or fails.
"""

import json
import os
from statistics import median

from benchmarks import measures

_RUNS = 5
_LAB = f"bench-{os.getpid()}"


def main() -> None:
    rows: dict[str, list[float]] = {
        "labctl up, 3 nodes to all Ready": [],
        "Deployment of 1 replica, POST to first answered ping": [],
        "Deployment of 100 pods over 3 nodes, POST to all Ready": [],
        "labctl verify, ICMP, 9,900 pairs of 100 pods": [],
        "labctl down of that": [],
    }
    for _ in range(_RUNS):
        for row, seconds in zip(rows.values(), _once(), strict=True):
            row.append(seconds)
    print(f"| measure ({_RUNS} runs, {os.cpu_count()} cores) | min | median | max |")
    print("| --- | --- | --- | --- |")
    for name, row in rows.items():
        print(f"| {name} | {min(row):.3f} s | {median(row):.3f} s | {max(row):.3f} s |")
    print(json.dumps({"runs": _RUNS, "seconds": rows}))


def _once() -> list[float]:
    up = measures.command(_LAB, "up", "--nodes", "3")
    try:
        first = measures.to_first_ping(_LAB)
        many = measures.to_all_ready(_LAB, 100)
        proof = measures.command(_LAB, "verify", "--claim", "pod-to-pod", "--protocol", "icmp")
    finally:
        down = measures.command(_LAB, "down")
    return [up, first, many, proof, down]


if __name__ == "__main__":
    main()
