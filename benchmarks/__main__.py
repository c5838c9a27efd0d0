"""`make bench`: measures on this machine what labs cost, and the floor and others beside them.

Exit code 1: a measure failed, or, with --quick, a ratio is broken by a wide margin.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import fields, replace

from benchmarks.findings import Line, report
from benchmarks.measures import MEASURES, QUICK, TABLE
from benchmarks.program import run
from benchmarks.report.machine import machine
from benchmarks.report.page import write
from benchmarks.report.table import limit, other_table, target_table
from benchmarks.rows import is_broken
from benchmarks.sizes import FULL, Sizes
from benchmarks.sizes import QUICK as QUICK_SIZES


def main() -> int:
    words = _parse(sys.argv[1:])
    sizes = _sizes(words)
    names = words.only or (QUICK if words.quick else TABLE)
    found, failed = run(names, sizes)
    told = report(found, sizes, machine())
    print("\n\n".join(filter(None, (target_table(told.lines), other_table(told.lines)))))
    for what, why in told.missing.items():
        print(f"not measured: {what}: {why}")
    if words.write:
        write(told)
    broken = _broken(told.lines) if words.quick else []
    for one in broken:
        budget = limit(one.row.budget or one.row.target, one.row.unit)
        print(f"broken by a wide margin: {one.row.title}: shall be {budget}")
    return 1 if failed or broken else 0


def _broken(lines: Sequence[Line]) -> list[Line]:
    return [one for one in lines if is_broken(one.row, one.samples)]


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--only", nargs="+", choices=MEASURES, help=f"these measures; {' '.join(TABLE)} by default"
    )
    parser.add_argument("--quick", action="store_true", help="smaller sizes, and a verdict")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.*")
    for one in fields(Sizes):
        words = one.name.replace("_", "-")
        parser.add_argument(f"--{words}", type=int, metavar="N", help=f"{one.default} by default")
    return parser.parse_args(arguments)


def _sizes(words: argparse.Namespace) -> Sizes:
    given = {one.name: getattr(words, one.name) for one in fields(Sizes)}
    told = {name: value for name, value in given.items() if value is not None}
    return replace(QUICK_SIZES if words.quick else FULL, **told)


if __name__ == "__main__":
    sys.exit(main())
