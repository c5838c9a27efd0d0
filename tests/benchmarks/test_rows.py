"""Targets and verdicts."""

import pytest

from benchmarks.rows import Row, Target, Unit, at_least, at_most, is_broken, is_kept


@pytest.mark.parametrize(
    ("target", "samples", "kept"),
    [
        (None, [99.0], True),
        (at_most(2.5), [2.5], True),
        (at_most(2.5), [2.6], False),
        (at_most(2.5), [9.0, 2.4, 2.4], True),  # the median counts
        (at_least(0.97), [0.97], True),
        (at_least(0.97), [0.96], False),
        (at_most(0), [0.0], True),
        (at_most(0), [1.0], False),
    ],
)
def test_a_target_is_kept_by_the_median(
    target: Target | None, samples: list[float], kept: bool
) -> None:
    assert is_kept(Row("it", "×", target), samples) is kept


@pytest.mark.parametrize(
    ("target", "unit", "samples", "broken"),
    [
        (at_most(2.5), "×", [5.1, 6.0], True),
        (at_most(2.5), "×", [4.9, 6.0], False),  # one run was good enough
        (at_least(0.97), "×", [0.4], True),
        (at_least(0.97), "×", [0.5], False),
        (at_most(2.5), "s", [100.0], False),  # an absolute time says something of the machine
        (None, "×", [100.0], False),
    ],
)
def test_only_ratios_break_and_by_a_wide_margin(
    target: Target | None, unit: Unit, samples: list[float], broken: bool
) -> None:
    assert is_broken(Row("it", unit, target), samples) is broken


def test_a_ratio_that_has_a_budget_is_held_to_that() -> None:
    row = Row("it", "×", at_most(1.6), budget=at_most(3.5))
    assert [is_broken(row, [one]) for one in (3.3, 6.9, 7.1)] == [False, False, True]
    assert not is_kept(row, [1.7])
