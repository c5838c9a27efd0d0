"""Events of the core group and of events.k8s.io: the same fields under other names.

pkg/apis/events/v1/conversion.go; what is asked of a new one: pkg/apis/core/validation/events.go.
"""

from collections.abc import Iterator

from labctl.api import causes
from labctl.api.causes import Cause
from labctl.api.conversion.members import renamed
from labctl.api.kinds.core import EVENTS
from labctl.api.kinds.events import NEWER_EVENTS
from labctl.api.objects import Obj

_TO_CORE = {
    "deprecatedCount": "count",
    "deprecatedFirstTimestamp": "firstTimestamp",
    "deprecatedLastTimestamp": "lastTimestamp",
    "deprecatedSource": "source",
    "note": "message",
    "regarding": "involvedObject",
    "reportingController": "reportingComponent",
}
_TO_NEWER = {core: newer for newer, core in _TO_CORE.items()}

FIELDS = {
    **{
        f"regarding.{part}": f"involvedObject.{part}"
        for part in (
            "apiVersion",
            "fieldPath",
            "kind",
            "name",
            "namespace",
            "resourceVersion",
            "uid",
        )
    },
    "reportingController": "reportingComponent",
}

_MAX_ACTION = 128
_MAX_NOTE = 1024


def to_newer(event: Obj) -> Obj:
    return {**renamed(event, _TO_NEWER), "apiVersion": NEWER_EVENTS.api_version}


def to_core(event: Obj) -> Obj:
    return {**renamed(event, _TO_CORE), "apiVersion": EVENTS.api_version}


def check_new(event: Obj) -> Iterator[Cause]:
    """Whoever writes the newer form says all of it, and nothing of the older."""
    for field in ("eventTime", "reportingController", "reportingInstance", "action", "reason"):
        if not event.get(field):
            yield causes.required(field)
    for field in ("reportingInstance", "action", "reason"):
        if len(event.get(field) or "") > _MAX_ACTION:
            yield causes.invalid(field, "", f"can have at most {_MAX_ACTION} characters")
    if len(event.get("note") or "") > _MAX_NOTE:
        yield causes.invalid("note", "", f"can have at most {_MAX_NOTE} characters")
    if event.get("type") not in {"Normal", "Warning"}:
        yield causes.invalid("type", event.get("type") or "", "has invalid value: ")
    for field in ("deprecatedCount", "deprecatedFirstTimestamp", "deprecatedLastTimestamp"):
        if event.get(field):
            yield causes.invalid(field, event[field], "needs to be unset")
