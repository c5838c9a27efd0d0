"""Lines with tabs, aligned as Go's text/tabwriter does it, which gives kubectl's output its look.

A column is a block of consecutive lines that have a cell there; each block has its own width. A
cell is what a tab ends, so the last text of a line belongs to no column.
"""

from collections.abc import Iterable, Sequence

_PADDING = 2


def aligned(lines: Iterable[str]) -> str:
    """The lines as text, their cells padded; no line keeps spaces at its end."""
    rows = [line.split("\t") for line in lines]
    widths: list[list[int]] = [[] for _ in rows]
    _measure(rows, widths, 0, len(rows), 0)
    return "".join(map(_line, rows, widths))


def _measure(
    rows: Sequence[Sequence[str]], widths: list[list[int]], start: int, end: int, column: int
) -> None:
    """Finds the blocks of a column between two lines, and of the columns to its right."""
    line = start
    while line < end:
        first = line
        while line < end and len(rows[line]) - 1 > column:
            line += 1
        if line == first:
            line += 1
            continue
        width = max(len(rows[one][column]) for one in range(first, line)) + _PADDING
        for one in range(first, line):
            widths[one].append(width)
        _measure(rows, widths, first, line, column + 1)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [cell.ljust(width) for cell, width in zip(cells, widths, strict=False)]
    return "".join([*padded, *cells[len(widths) :]]).rstrip() + "\n"
