"""Columns, as kubectl's two tab writers lay them out."""

from labctl.cli.describe.tabular import aligned
from labctl.cli.tables import column_widths, layout


def test_columns_are_three_spaces_apart_and_the_last_is_not_padded() -> None:
    assert layout([["NAME", "READY", "AGE"], ["web-1", "1/1", "5s"]]) == (
        "NAME    READY   AGE\nweb-1   1/1     5s\n"
    )


def test_a_column_is_at_least_six_wide() -> None:
    assert layout([["A", "B", "C"], ["1", "2", "3"]]) == "A     B     C\n1     2     3\n"


def test_later_rows_keep_the_widths_of_what_stands_above() -> None:
    widths = column_widths([["a-long-name", "x"]])
    assert layout([["short", "y"]], widths) == "short         y\n"


def test_descriptions_align_by_blocks() -> None:
    lines = ["Name:\tweb", "Labels:\tapp=web", "Containers:", "  web:", "    Port:\t80", "QoS:\tx"]
    assert aligned(lines) == (
        "Name:    web\nLabels:  app=web\nContainers:\n  web:\n    Port:  80\nQoS:       x\n"
    )


def test_a_line_with_more_cells_begins_a_block_of_its_own_to_the_right() -> None:
    assert aligned(["a\tb\tc", "aaaa\tb", "a\tbbbb\tc"]) == "a     b  c\naaaa  b\na     bbbb  c\n"
