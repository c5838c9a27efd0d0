"""The revision log as SQLite tables: plain synchronous statements, no waiting, no publishing.

`log` has a row per revision with the value written (NULL for a deletion) and the revision of the
version that it replaced; `live` says which row is the present value of a key. A value is stored
once. A past revision R is read by stepping back: keys changed after R are replaced by the
`previous` of their first change. Compaction to C therefore drops exactly the versions that were
replaced at or before C, and keeps what a reader at C or later can still ask for.
The newest revision has a row of its own, so that it never goes back, whatever is deleted.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

from labctl.store import Event, Expired, KeyValue, Page

_SCHEMA = """
CREATE TABLE IF NOT EXISTS log (
    revision INTEGER PRIMARY KEY, key TEXT NOT NULL, created INTEGER NOT NULL,
    previous INTEGER NOT NULL, value BLOB);
CREATE TABLE IF NOT EXISTS live (
    key TEXT PRIMARY KEY, revision INTEGER NOT NULL, expires REAL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS live_expires ON live (expires) WHERE expires IS NOT NULL;
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT OR IGNORE INTO meta VALUES ('revision', 0), ('floor', 0);
"""
_HIGHEST = "\U0010ffff"  # sorts behind every key with a given prefix


def connect(path: Path) -> sqlite3.Connection:
    """A connection that may be handed from thread to thread, used by one at a time."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode=WAL")
    # FULL: the write-ahead log is synced at every commit, so what is acknowledged is on the disk.
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA busy_timeout=5000")
    return connection


def create_tables(connection: sqlite3.Connection) -> None:
    connection.executescript(_SCHEMA)


def read_meta(connection: sqlite3.Connection, name: str) -> int:
    """The number kept under `name`: `revision` or `floor`."""
    row = connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
    return int(row[0])


def write_meta(connection: sqlite3.Connection, name: str, value: int) -> None:
    connection.execute("UPDATE meta SET value = ? WHERE name = ?", (value, name))


def read(connection: sqlite3.Connection, key: str) -> KeyValue | None:
    row = connection.execute(
        "SELECT live.key, log.value, log.revision, log.created"
        " FROM live JOIN log ON log.revision = live.revision WHERE live.key = ?",
        (key,),
    ).fetchone()
    return KeyValue(*row) if row else None


def write(
    connection: sqlite3.Connection,
    revision: int,
    key: str,
    value: bytes | None,
    current: KeyValue | None,
    expires: float | None,
) -> None:
    """Appends one version of `key`, whose present version is `current`, at `revision`."""
    created = current.created if current else revision
    previous = current.revision if current else 0
    connection.execute(
        "INSERT INTO log (revision, key, created, previous, value) VALUES (?, ?, ?, ?, ?)",
        (revision, key, created, previous, value),
    )
    if value is None:
        connection.execute("DELETE FROM live WHERE key = ?", (key,))
    else:
        connection.execute(
            "INSERT OR REPLACE INTO live (key, revision, expires) VALUES (?, ?, ?)",
            (key, revision, expires),
        )


def events(connection: sqlite3.Connection, prefix: str, after: int, limit: int) -> list[Event]:
    """Up to `limit` entries of the log after a revision. Raises Expired."""
    rows = connection.execute(
        "SELECT log.revision, log.key, log.value, older.value FROM log"
        " LEFT JOIN log AS older ON older.revision = log.previous"
        " WHERE log.revision > ? AND log.key >= ? AND log.key < ? ORDER BY log.revision LIMIT ?",
        (after, prefix, prefix + _HIGHEST, limit),
    ).fetchall()
    # After the reading: a compaction in between would have left holes in what was read.
    _check_floor(connection, after)
    return [Event(*row) for row in rows]


def page(
    connection: sqlite3.Connection, prefix: str, limit: int, after: str, at_revision: int
) -> Page:
    """What `Store.list` answers, read in one transaction. Raises Expired."""
    connection.execute("BEGIN")
    try:
        newest = read_meta(connection, "revision")
        revision = at_revision or newest
        _check_floor(connection, revision)
        low = max(prefix, after + "\0") if after else prefix
        keys = _keys_at(connection, revision, low, prefix + _HIGHEST)
        wanted = keys[:limit] if limit else keys
        items = tuple(_versions(connection, (version for _, version in wanted)))
    finally:
        connection.execute("COMMIT")
    remaining = len(keys) - len(wanted)
    return Page(revision, items, more=remaining > 0, remaining=remaining)


def _keys_at(
    connection: sqlite3.Connection, revision: int, low: str, high: str
) -> list[tuple[str, int]]:
    """The keys in [low, high) that existed at `revision`, each with the revision of its version."""
    bounds = (low, high)
    present = connection.execute(
        "SELECT key, revision FROM live WHERE key >= ? AND key < ? ORDER BY key", bounds
    ).fetchall()
    # SQLite takes the bare column `previous` from the row that holds the minimum.
    changed: dict[str, int] = {
        key: previous
        for key, previous, _ in connection.execute(
            "SELECT key, previous, MIN(revision) FROM log"
            " WHERE revision > ? AND key >= ? AND key < ? GROUP BY key",
            (revision, *bounds),
        )
    }
    if not changed:
        return present
    unchanged = [(key, version) for key, version in present if key not in changed]
    return sorted(unchanged + [(key, version) for key, version in changed.items() if version])


def _versions(connection: sqlite3.Connection, revisions: Iterable[int]) -> Iterator[KeyValue]:
    for revision in revisions:
        row = connection.execute(
            "SELECT key, value, revision, created FROM log WHERE revision = ?", (revision,)
        ).fetchone()
        yield KeyValue(*row)


def expired(connection: sqlite3.Connection, now: float, limit: int) -> list[tuple[str, int]]:
    """Up to `limit` keys whose time has passed, each with its revision; the oldest first."""
    return connection.execute(
        "SELECT key, revision FROM live WHERE expires <= ? ORDER BY expires LIMIT ?", (now, limit)
    ).fetchall()


def next_expiry(connection: sqlite3.Connection) -> float | None:
    row = connection.execute("SELECT MIN(expires) FROM live WHERE expires IS NOT NULL").fetchone()
    return None if row[0] is None else float(row[0])


def compact(connection: sqlite3.Connection, floor: int, to: int) -> None:
    """Drops what is needed only for revisions before `to`; history was compacted to `floor`."""
    span = (floor, to)
    connection.execute(
        "DELETE FROM log WHERE revision IN"
        " (SELECT previous FROM log WHERE revision > ? AND revision <= ?)",
        span,
    )
    connection.execute(
        "DELETE FROM log WHERE revision > ? AND revision <= ? AND value IS NULL", span
    )
    write_meta(connection, "floor", to)


def _check_floor(connection: sqlite3.Connection, revision: int) -> None:
    floor = read_meta(connection, "floor")
    if revision < floor:
        raise Expired(floor)
