"""A store's file, read beside the one process that writes it."""

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from labctl.errors import LabError
from labctl.store import KeyValue, revision_log


def items(file: Path) -> tuple[KeyValue, ...]:
    """Everything that the store has now; raises LabError."""
    try:
        with closing(_open(file)) as connection:
            return revision_log.page(connection, "/", 0, "", 0).items
    except sqlite3.Error as error:
        raise LabError(f"{file}: {error}") from error


def statistics(file: Path) -> str:
    """Sizes, revisions, and what is kept of each kind; raises LabError."""
    try:
        with closing(_open(file)) as connection:
            lines = [*_sizes(file), *_counts(connection)]
    except sqlite3.Error as error:
        raise LabError(f"{file}: {error}") from error
    return "\n".join(lines) + "\n"


def _open(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{file}?mode=ro", uri=True, isolation_level=None, timeout=3.0)


def _sizes(file: Path) -> Iterator[str]:
    for one in (file, Path(f"{file}-wal"), Path(f"{file}-shm")):
        if one.exists():
            yield f"{one.name}: {one.stat().st_size} bytes"


def _counts(connection: sqlite3.Connection) -> Iterator[str]:
    for name in ("revision", "floor"):
        yield f"{name}: {revision_log.read_meta(connection, name)}"
    live, past = Counter[str](), Counter[str]()
    rows = connection.execute(
        "SELECT log.key, live.key IS NULL FROM log LEFT JOIN live ON live.revision = log.revision"
    )
    for key, is_past in rows:
        (past if is_past else live)["/".join(key.split("/")[1:3])] += 1
    yield f"{'KIND':40} {'NOW':>8} {'HISTORY':>8}"
    for kind in sorted(live | past):
        yield f"{kind:40} {live[kind]:8} {past[kind]:8}"
