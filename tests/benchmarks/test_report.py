"""What a run leaves: a table, a plot, a page, and samples that can be read back."""

import itertools
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.findings import Findings, Line, Steps, load, middle, report
from benchmarks.report.machine import machine
from benchmarks.report.page import write
from benchmarks.report.plot import plot, ticks
from benchmarks.report.table import figure, other_table, target_table
from benchmarks.rows import Row, at_least, at_most
from benchmarks.sizes import FULL

_SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (2.5, "×", "2.5 ×"),
        (0.125, "×", "0.125 ×"),
        (0.8, "s", "0.8 s"),
        (1.2345, "ms", "1.23 ms"),
        (12.345, "ms", "12.3 ms"),
        (123.45, "KB", "123 KB"),
        (100, "", "100"),
        (0, "", "0"),
        (6807.6, "/s", "6,808/s"),
    ],
)
def test_a_figure_has_the_digits_that_count(value: float, unit: str, text: str) -> None:
    assert figure(value, unit) == text


def test_the_table_says_what_shall_be_what_was_and_whether_that_is_so() -> None:
    lines = [
        Line(Row("up", "s", at_most(0.8)), [0.9, 0.7, 0.71]),
        Line(Row("rate", "/s", at_least(200)), [150.0]),
        Line(Row("floor", "ms"), [2.0, 2.2, 2.4]),
    ]
    assert target_table(lines).splitlines()[2:] == [
        "| up | ≤ 0.8 s | 0.71 s | 0.7 to 0.9 | yes |",
        "| rate | ≥ 200/s | 150/s |  | **no** |",
    ]
    assert other_table(lines).splitlines()[2:] == ["| floor | 2.2 ms | 2 to 2.4 |"]


def test_a_title_gets_its_sizes_and_the_row_stays_what_it_is() -> None:
    found = Findings()
    found.add(Row("{pods:,} pods", "×", at_most(1), budget=at_most(2)), 0.5)
    (line,) = report(found, FULL, {}).lines
    assert line == Line(Row("1,000 pods", "×", at_most(1), budget=at_most(2)), [0.5])


def test_of_several_runs_the_middle_one_is_drawn() -> None:
    runs: list[Steps] = [[(9.0, 10)], [(1.0, 10)], [(3.0, 10)]]
    assert middle(runs) == [(3.0, 10)]


@given(st.floats(1e-3, 1e6))
def test_ticks_are_few_and_even_and_reach_the_top(top: float) -> None:
    found = ticks(top)
    steps = [later - one for one, later in itertools.pairwise(found)]
    assert found[0] == 0
    assert found[-1] >= top * 0.999
    assert found[-2] < top
    assert 2 <= len(found) <= 6
    assert max(steps) - min(steps) <= 1e-6 * max(steps) + 1e-8


def test_the_plot_has_a_line_for_each_system_and_names_that_can_be_read() -> None:
    curves: dict[str, Steps] = {
        "labctl": [(1.0, 100), (4.0, 1000)],
        "the floor": [(0.2, 100), (2.2, 1000)],
        "Mininet": [(2.5, 100), (25.0, 1000)],
    }
    picture = ET.fromstring(plot(curves))
    lines = picture.findall(f"{_SVG}polyline")
    ends = [float(line.attrib["points"].split(",")[-1]) for line in lines]
    assert ends == sorted(ends, reverse=True)  # the longest time is highest
    names = {one.text: float(one.attrib["y"]) for one in picture.findall(f"{_SVG}text")}
    heights = sorted(names[name] for name in curves)
    assert all(later - one >= 13 for one, later in itertools.pairwise(heights))


def test_nothing_is_no_plot() -> None:
    with pytest.raises(ValueError, match="nothing to plot"):
        plot({})


def test_a_run_is_written_whole(tmp_path: Path) -> None:
    found = Findings(missing={"Mininet": "apt-get install mininet"})
    found.add(Row("{pods:,} pods over {nodes} nodes", "×", at_most(2.5)), 2.0, 2.2)
    found.add_curve("labctl", [(0.5, 100), (4.0, 1000)])
    told = report(found, FULL, machine())
    write(told, tmp_path)
    page = (tmp_path / "benchmarks.md").read_text()
    assert "| 1,000 pods over 20 nodes | ≤ 2.5 × | 2.1 × | 2 to 2.2 | yes |" in page
    assert "- Mininet: apt-get install mininet" in page
    assert ET.fromstring((tmp_path / "benchmarks.svg").read_text()).tag == f"{_SVG}svg"
    assert load(tmp_path / "benchmarks.json") == told
