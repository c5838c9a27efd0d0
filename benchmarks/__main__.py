"""`make bench`: measures on this machine what labs cost, and the floor beside them."""

import argparse
import os
from dataclasses import fields, replace
from statistics import median

from benchmarks.measures.thousand_pods import thousand_pods
from benchmarks.rows import Row
from benchmarks.sizes import FULL, QUICK, Sizes


def main() -> None:
    sizes = _sizes()
    found: dict[Row, list[float]] = {}
    for _ in range(sizes.runs):
        for row, samples in thousand_pods(sizes).items():
            found.setdefault(row, []).extend(samples)
    print(f"| measure ({sizes.runs} runs, {os.cpu_count()} cores) | min | median | max |")
    print("| --- | --- | --- | --- |")
    for row, values in found.items():
        told = [f"{one:.3g} {row.unit}" for one in (min(values), median(values), max(values))]
        print(f"| {row.title.format_map(vars(sizes))} | {' | '.join(told)} |")


def _sizes() -> Sizes:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("--quick", action="store_true")
    for one in fields(Sizes):
        parser.add_argument(f"--{one.name}", type=int)
    words = vars(parser.parse_args())
    given = {key: value for key, value in words.items() if key != "quick" and value is not None}
    return replace(QUICK if words["quick"] else FULL, **given)


if __name__ == "__main__":
    main()
