"""The rows of the table: what is measured, in which unit, and what it shall be."""

from dataclasses import dataclass
from statistics import median
from typing import Literal

Unit = Literal["s", "ms", "×", "MB", "KB", "%", "/s", "Gbit/s", ""]

WIDE = 2.0
"""A ratio is broken by a wide margin when it is off its budget by this factor."""


@dataclass(frozen=True)
class Target:
    """The limit that the median shall keep to."""

    limit: float
    at_least: bool = False

    def holds(self, value: float, margin: float = 1.0) -> bool:
        """`margin` is a factor by which the limit is let out."""
        if self.at_least:
            return value >= self.limit / margin
        return value <= self.limit * margin


def at_most(limit: float) -> Target:
    return Target(limit)


def at_least(limit: float) -> Target:
    return Target(limit, at_least=True)


@dataclass(frozen=True)
class Row:
    """One line of the table. Without a target it is there to be known.

    `title` may hold names of sizes in braces. `budget` is there where the target is not reached yet:
    what the ratio is held to until then, so that it gets no worse unseen.
    """

    title: str
    unit: Unit
    target: Target | None = None
    budget: Target | None = None

    @property
    def is_ratio(self) -> bool:
        """Of two things that were measured in one run: it says the same on any machine."""
        return self.unit == "×"


def is_kept(row: Row, samples: list[float]) -> bool:
    """Whether the median is what it shall be; without a target it always is."""
    return row.target is None or row.target.holds(median(samples))


def is_broken(row: Row, samples: list[float]) -> bool:
    """Whether a ratio is off by a wide margin in every run: the program is to blame, not the machine."""
    budget = row.budget or row.target
    if budget is None or not row.is_ratio:
        return False
    return not any(budget.holds(one, WIDE) for one in samples)
