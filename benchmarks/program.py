"""A run: rounds of measures, one after the other, so that each is spread over the whole time."""

import sys
import time
import traceback
from collections.abc import Sequence

from benchmarks.findings import Findings
from benchmarks.measures import MEASURES
from benchmarks.sizes import Sizes


def run(names: Sequence[str], sizes: Sizes) -> tuple[Findings, list[str]]:
    """What was found, and which measures failed; their errors are told on stderr."""
    found = Findings()
    failed: list[str] = []
    for number in range(sizes.runs):
        for name in names:
            if number < MEASURES[name].rounds(sizes) and name not in failed:
                _measure(name, number + 1, sizes, found, failed)
    return found, failed


def _measure(name: str, number: int, sizes: Sizes, found: Findings, failed: list[str]) -> None:
    began = time.monotonic()
    try:
        MEASURES[name].run(sizes, found)
    except Exception:
        traceback.print_exc()
        failed.append(name)
    word = "failed" if name in failed else "done"
    told = f"{name}, run {number}: {word} after {time.monotonic() - began:.0f} s"
    print(told, file=sys.stderr, flush=True)
