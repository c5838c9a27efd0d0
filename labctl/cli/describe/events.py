"""The events of an object, as the last section of its description."""

from labctl.api.kinds.core import EVENTS
from labctl.api.objects import Obj, name, namespace, parse_time, uid
from labctl.cli.describe import times
from labctl.cli.describe.common import section
from labctl.client.client import Client

_HEADER = ["Type", "Reason", "Age", "From", "Message"]
_RULE = ["----", "------", "----", "----", "-------"]  # kubectl's own, the third is one too long


async def events_of(client: Client, obj: Obj) -> list[Obj]:
    """The object's events, oldest first. A Node's have its name for a uid."""
    terms = [f"involvedObject.name={name(obj)}", f"involvedObject.namespace={namespace(obj)}"]
    terms.append(f"involvedObject.kind={obj['kind']}")
    found = await client.list(EVENTS, namespace(obj), fields=",".join(terms))
    known = {uid(obj), name(obj), ""}
    mine = [one for one in found.items if one["involvedObject"].get("uid", "") in known]
    return sorted(mine, key=_last_time)


def _last_time(event: Obj) -> float:
    return parse_time(last_seen(event))


def last_seen(event: Obj) -> str:
    """When an event happened last, in whichever field its writer put it."""
    series = event.get("series") or {}
    found = series.get("lastObservedTime") or event.get("lastTimestamp") or event.get("eventTime")
    return str(found or event["metadata"]["creationTimestamp"])


def first_seen(event: Obj) -> str:
    found = event.get("firstTimestamp") or event.get("eventTime")
    return str(found or event["metadata"]["creationTimestamp"])


def event_lines(events: list[Obj]) -> list[str]:
    return section("Events", _HEADER, map(_row, events), _RULE)


def _row(event: Obj) -> list[str]:
    count = event.get("count") or (event.get("series") or {}).get("count") or 1
    age = times.age(last_seen(event))
    if count > 1:
        age = f"{age} (x{count} over {times.age(first_seen(event))})"
    source = (event.get("source") or {}).get("component") or event.get("reportingComponent") or ""
    message = str(event.get("message", "")).strip()
    return [event.get("type", ""), event.get("reason", ""), age, source, message]
