"""What the measures found, and how it is kept: as JSON."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from benchmarks.rows import Row
from benchmarks.sizes import Sizes

Steps = list[tuple[float, int]]
"""How pods came up: seconds, and how many there were by then, ascending."""


@dataclass
class Findings:
    """Samples by row, in the table's order; curves by system, one of each run; what is missing, and why."""

    samples: dict[Row, list[float]] = field(default_factory=dict)
    curves: dict[str, list[Steps]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    def add(self, row: Row, *values: float) -> None:
        self.samples.setdefault(row, []).extend(values)

    def add_curve(self, system: str, steps: Steps) -> None:
        self.curves.setdefault(system, []).append(steps)

    def absorb(self, later: "Findings") -> None:
        """The samples of another, whose rows come after these."""
        for row, values in later.samples.items():
            self.add(row, *values)


@dataclass(frozen=True)
class Line:
    """A row with its samples, and its title in full."""

    row: Row
    samples: list[float]


@dataclass(frozen=True)
class Report:
    """A whole run, as it is kept. `machine` says where and when."""

    machine: dict[str, str]
    sizes: Sizes
    lines: list[Line]
    curves: dict[str, Steps]
    missing: dict[str, str]


def report(findings: Findings, sizes: Sizes, machine: dict[str, str]) -> Report:
    words = {**vars(sizes), "pairs": sizes.pairs}
    lines = [
        Line(replace(row, title=row.title.format_map(words)), samples)
        for row, samples in findings.samples.items()
    ]
    curves = {system: middle(runs) for system, runs in findings.curves.items()}
    return Report(machine, sizes, lines, curves, findings.missing)


def middle(runs: list[Steps]) -> Steps:
    """The run that took neither the longest nor the shortest."""
    return sorted(runs, key=lambda steps: steps[-1])[len(runs) // 2]


def save(one: Report, path: Path) -> None:
    path.write_bytes(msgspec.json.format(msgspec.json.encode(one), indent=1) + b"\n")


def load(path: Path) -> Report:
    return msgspec.json.decode(path.read_bytes(), type=Report)
