"""labctl's own tables: plain columns into a file or pipe, rich ones on a terminal."""

import io
import shutil
import sys
from collections.abc import Sequence

from labctl.cli.tables import layout

_COLOURS = {
    "Ready": "green",
    "Up": "green",
    "ready": "green",
    "running": "green",
    "ok": "green",
    "restarting": "yellow",
    "stopped": "yellow",
    "warning": "yellow",
    "Degraded": "red",
    "NotReady": "red",
    "notready": "red",
    "dead": "red",
    "FAILED": "red",
    "exited": "red",
}


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The table as text for where stdout leads to (NO_COLOR is honoured by rich)."""
    return _rich(header, rows) if sys.stdout.isatty() else layout([header, *rows])


def _rich(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="bold")
    for name in header:
        drawn.add_column(name, overflow="fold")
    for row in rows:
        drawn.add_row(*(Text(cell, style=_COLOURS.get(cell, "")) for cell in row))
    text = io.StringIO()
    console = Console(file=text, force_terminal=True, width=shutil.get_terminal_size().columns)
    console.print(drawn)
    return text.getvalue()
