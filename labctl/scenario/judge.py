"""What is wrong with what was seen: pure functions of an expectation and the facts.

Each returns the empty string, or a sentence that names what differs; those that end a step raise
`Failed`.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from labctl.api.jsonpath import find
from labctl.api.objects import Obj, condition
from labctl.scenario.stage import Failed
from labctl.scenario.steps import Compare, Expect, Expected, Verify


def wish(text: str, obj: Obj | None) -> str:
    """`delete`, a condition (`Ready`, `Ready=Unknown`), or a field (`.status.replicas=3`)."""
    if text == "delete":
        return "it is still there" if obj is not None else ""
    if obj is None:
        return "it is not there"
    what, _, value = text.partition("=")
    if what.startswith("."):
        found = [str(one) for one in find(what, obj)]
        return "" if found == [value] else f"{what} is {' '.join(found) or 'not set'}"
    status = (condition(obj, what) or {}).get("status", "not set")
    return "" if status == (value or "True") else f"condition {what} is {status}"


def expectation(verb: Expect, objects: Sequence[Obj]) -> str:
    """What `expect` asks of the objects that were listed."""
    if verb.count is not None and len(objects) != verb.count:
        return f"there are {len(objects)} of {verb.get}, not {verb.count}"
    if not verb.path:
        return "" if objects or verb.count == 0 else f"there is no {verb.get}"
    values = [value for obj in objects for value in find(verb.path, obj)]
    return _values(verb, values)


def _values(verb: Expect, values: Sequence[Any]) -> str:
    if not values:
        return f"{verb.path} is not set"
    if verb.distinct is not None and len(set(map(str, values))) != verb.distinct:
        return f"{verb.path} has {len(set(map(str, values)))} different values: {values}"
    if verb.equals is not None and any(value != verb.equals for value in values):
        return f"{verb.path} is {values}"
    if verb.matches and not all(re.search(verb.matches, str(value)) for value in values):
        return f"{verb.path} is {values}"
    return ""


def sequence(wanted: Sequence[Expected], events: Sequence[Obj]) -> str:
    """Whether the wanted Events happened in this order, with others between them or not."""
    left = list(wanted)
    for event in sorted(events, key=_moment):
        if left and _is_meant(left[0], event):
            left.pop(0)
    if not left:
        return ""
    return f"no event {left[0].reason} {left[0].message!r} by {left[0].by or 'anyone'} in its place"


def _moment(event: Obj) -> int:
    """Nanoseconds: an Event's name ends in the time at which its recorder saw it, in hex."""
    return int(event["metadata"]["name"].rpartition(".")[2], 16)


def _is_meant(wanted: Expected, event: Obj) -> bool:
    about = event["involvedObject"]
    source = event.get("source", {}).get("component", "")
    return (
        event["reason"] == wanted.reason
        and wanted.by in ("", source)
        and f"{about['kind']}/{about['name']}".startswith(wanted.object)
        and re.search(wanted.message, event.get("message", "")) is not None
    )


def in_force(wanted: Sequence[str], found: Sequence[str]) -> str:
    """The faults that are in force, when they are those that are wanted; raises Failed."""
    told = ", ".join(found) or "nothing"
    missing = [one for one in wanted if not any(re.fullmatch(one, each) for each in found)]
    if missing or len(found) != len(wanted):
        raise Failed(f"in force: {told}, not {', '.join(wanted) or 'nothing'}")
    return f"in force: {told}"


def comparison(verb: Compare, before: Mapping[str, str], now: Mapping[str, str]) -> str:
    """A sentence on what stayed and what changed, as expected; raises Failed."""
    for wanted in (*verb.same, *verb.changed):
        if wanted not in before or wanted not in now:
            raise Failed(f"{verb.pod} has no {wanted}, only {', '.join(before)}")
    wrong = [
        f"{one} is {now[one]}, not {before[one]}" for one in verb.same if now[one] != before[one]
    ]
    wrong += [f"{one} is still {now[one]}" for one in verb.changed if now[one] == before[one]]
    if wrong:
        raise Failed("; ".join(wrong))
    stayed = [f"{one} {now[one]} stayed" for one in verb.same]
    return "; ".join([*stayed, *(f"{one} {before[one]} → {now[one]}" for one in verb.changed)])


def proof(verb: Verify, report: Mapping[str, Any]) -> str:
    """A sentence on a VerifyReport that is as expected; raises Failed."""
    checks = [check for check in report["checks"] if not verb.paths or check["path"] in verb.paths]
    failed = {check["claim"] for check in checks if not check["passed"]}
    if not checks:
        raise Failed("nothing was checked")
    if failed != set(verb.fails):
        wrong = [check for check in checks if not check["passed"]]
        reason = f"; {wrong[0]['claim']}: {wrong[0]['reason']}" if wrong else ""
        expected = ", ".join(verb.fails) or "none"
        raise Failed(
            f"claims failed: {', '.join(sorted(failed)) or 'none'}, not {expected}{reason}"
        )
    return f"{len(checks)} checks of {', '.join(sorted({check['claim'] for check in checks}))}"


def printed(pattern: str, text: str) -> str:
    """The line that `pattern` was found in; raises Failed."""
    found = re.search(pattern, text)
    if found is None:
        raise Failed(f"{pattern!r} is not in what was printed: {text.strip()!r}")
    return text[: found.end()].rpartition("\n")[2] + text[found.end() :].partition("\n")[0]
