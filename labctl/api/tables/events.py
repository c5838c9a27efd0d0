"""The rows of Events."""

from typing import Any

from labctl.api.conversion.events import to_core
from labctl.api.kinds.core import EVENTS
from labctl.api.kinds.events import NEWER_EVENTS
from labctl.api.objects import Obj, name
from labctl.api.tables.columns import Column, Printer, text, wide
from labctl.api.tables.text import since


def _event(event: Obj, now: float) -> list[Any]:
    first = since(event.get("firstTimestamp") or event.get("eventTime"), now)
    last = since(event["lastTimestamp"], now) if event.get("lastTimestamp") else first
    count, series = event.get("count") or 1, event.get("series")
    if series:
        last, count = since(series.get("lastObservedTime"), now), series.get("count") or 1
    involved = event.get("involvedObject") or {}
    return [
        last,
        event.get("type") or "",
        event.get("reason") or "",
        _object(involved),
        involved.get("fieldPath") or "",
        _source(event),
        (event.get("message") or "").strip(),
        first,
        count,
        name(event),
    ]


def _object(involved: Obj) -> str:
    kind = (involved.get("kind") or "").lower()
    return f"{kind}/{involved['name']}" if involved.get("name") else kind


def _source(event: Obj) -> str:
    source = event.get("source") or {}
    component = source.get("component") or event.get("reportingComponent") or ""
    host = source.get("host") or event.get("reportingInstance") or ""
    return f"{component}, {host}" if host else component


_COLUMNS = (
    text("Last Seen"),
    text("Type"),
    text("Reason"),
    text("Object"),
    wide("Subobject"),
    wide("Source"),
    text("Message"),
    wide("First Seen"),
    wide("Count", "integer"),
    Column("Name", priority=1, format="name"),
)

PRINTERS = {
    EVENTS: Printer(_COLUMNS, _event),
    NEWER_EVENTS: Printer(_COLUMNS, lambda event, now: _event(to_core(event), now)),
}
