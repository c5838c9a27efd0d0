"""The README says what happens: its tour is run, and what is printed is compared."""

import os
from collections.abc import Iterator

import pytest

from tools.readme import README, Turn, matches, run, turns


@pytest.fixture
def lab_name() -> Iterator[str]:
    name = f"readme-{os.getpid()}"
    yield name
    run(Turn("labctl down", ""), name)


def test_the_tour_prints_what_the_readme_says(lab_name: str) -> None:
    tour = list(turns(README.read_text()))
    assert len(tour) >= 10
    for turn in tour:
        printed = run(turn, lab_name)
        assert matches(turn.printed, printed), f"$ {turn.command}\n{printed}"


def test_lines_that_differ_only_in_drawn_names_and_times_are_the_same() -> None:
    said = "web-6d4b75cb6d-abcde   1/1   Running   0   3s   10.244.1.2   node1\n"
    seen = "web-7f8c9d5b44-x2x4z   1/1   Running   0   12s   10.244.3.7   node3\n"
    assert matches(said, seen)
    assert not matches(said, seen.replace("Running", "Pending"))


def test_an_ellipsis_stands_for_any_lines() -> None:
    assert matches("first\n…\nlast\n", "first\na\nb\nlast\n")
    assert not matches("first\n…\nlast\n", "first\na\n")
