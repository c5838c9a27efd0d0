"""The table, as Markdown: what shall be, what was measured, and whether that is so."""

from statistics import median

from benchmarks.findings import Line
from benchmarks.rows import Row, Target, Unit, is_kept


def target_table(lines: list[Line]) -> str:
    """The rows that have a target; nothing when none has."""
    rows = [
        f"| {_title(one.row)} | {limit(one.row.target, one.row.unit)} | {_figures(one)} | {verdict(one)} |"
        for one in lines
        if one.row.target is not None
    ]
    return _table("| measure | target | median | least to most | kept |", rows)


def other_table(lines: list[Line]) -> str:
    """The rows that are there to be known; nothing when all have a target."""
    rows = [f"| {_title(one.row)} | {_figures(one)} |" for one in lines if one.row.target is None]
    return _table("| measure | median | least to most |", rows)


def _table(head: str, rows: list[str]) -> str:
    rule = "| --- " * (head.count("|") - 1) + "|"
    return "\n".join([head, rule, *rows]) if rows else ""


def limit(target: Target | None, unit: Unit) -> str:
    """A target in words: `≤ 2.5 ×`."""
    if target is None:
        return ""
    return f"{'≥' if target.at_least else '≤'} {figure(target.limit, unit)}"


def verdict(line: Line) -> str:
    return "yes" if is_kept(line.row, line.samples) else "**no**"


def figure(value: float, unit: str) -> str:
    """A value with three digits that count, and its unit."""
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2 if abs(value) >= 1 else 3
    text = f"{value:,.{digits}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    space = "" if unit in ("", "/s") else " "
    return f"{text}{space}{unit}"


def _figures(line: Line) -> str:
    values, unit = line.samples, line.row.unit
    spread = f"{figure(min(values), '')} to {figure(max(values), '')}" if len(values) > 1 else ""
    return f"{figure(median(values), unit)} | {spread}"


def _title(row: Row) -> str:
    return row.title.replace("|", "\\|")
