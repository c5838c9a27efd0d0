"""Text in columns, laid out as kubectl does it.

kubectl prints through Go's text/tabwriter with a minimal width of 6 and a padding of 3
(k8s.io/cli-runtime, GetNewTabWriter); the last column is not padded.
"""

from collections.abc import Iterable, Sequence

_MIN_WIDTH = 6
_PADDING = 3


def layout(rows: Sequence[Sequence[str]], widths: Sequence[int] = ()) -> str:
    """The rows as lines; `widths` are the least widths of columns (of what stands above)."""
    used = column_widths(rows, widths)
    return "".join(_line(row, used) + "\n" for row in rows)


def column_widths(rows: Sequence[Sequence[str]], least: Sequence[int] = ()) -> list[int]:
    """The width of each column, padding included."""
    count = max((len(row) for row in rows), default=0)
    widths = [*least, *([_MIN_WIDTH] * (count - len(least)))]
    for row in rows:
        for column, cell in enumerate(row[:-1]):
            widths[column] = max(widths[column], len(cell) + _PADDING)
    return widths


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    padded = [cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=False)]
    return "".join([*padded, *row[-1:]])


def cell_text(cell: object) -> str:
    """A cell of a Table as text: one line, nothing for null."""
    return "" if cell is None else str(cell).replace("\n", "\\n")


def indented(lines: Iterable[str], depth: int) -> list[str]:
    """The lines, further in."""
    return ["  " * depth + line for line in lines]
