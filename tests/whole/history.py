"""What a lab's store remembers: every version of every pod, in the order in which they were written."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

from labctl import names

_PODS = "/core/pods/"
_OVER = ("Succeeded", "Failed")


def pods(lab: str) -> Iterator[tuple[int, str, dict[str, Any] | None]]:
    """Revision, key and object of each version; None for a deletion. Nothing may be compacted."""
    with closing(sqlite3.connect(f"file:{names.store_file(lab)}?mode=ro", uri=True)) as store:
        (floor,) = store.execute("SELECT value FROM meta WHERE name = 'floor'").fetchone()
        assert floor == 0, "the history is not whole any more"
        query = "SELECT revision, key, value FROM log WHERE key LIKE ? ORDER BY revision"
        rows = store.execute(query, (f"{_PODS}%",)).fetchall()
    for revision, key, value in rows:
        yield revision, key.removeprefix(_PODS), None if value is None else json.loads(value)


def holds(pod: dict[str, Any]) -> str:
    """The address that the pod has for itself; "" when it has none."""
    status = pod.get("status") or {}
    if pod["spec"].get("hostNetwork") or status.get("phase") in _OVER:
        return ""
    return str(status.get("podIP") or "")


def addresses_given_twice(lab: str) -> list[str]:
    """Each time at which a pod got an address that another one still had."""
    holders: dict[str, str] = {}  # by pod
    found = []
    for revision, key, pod in pods(lab):
        address = holds(pod) if pod else ""
        others = [other for other, its in holders.items() if its == address and other != key]
        if address and address != holders.get(key) and others:
            found.append(f"revision {revision}: {address} to {key}, and {others} had it")
        holders[key] = address
    return found


def addresses_given(lab: str) -> int:
    """How often one was."""
    given = {(key, holds(pod)) for _, key, pod in pods(lab) if pod and holds(pod)}
    return len(given)
