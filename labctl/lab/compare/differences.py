"""What differs between two observations: the NetworkComparison. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from labctl.api.lab import LAB_API_VERSION
from labctl.api.objects import Obj
from labctl.lab.compare.observation import Observation, Scene

_NOTHING = Scene((), (), {})
_TTL = 64  # with which Linux sends


def comparison(first: Observation, second: Observation) -> Obj:
    """The report, with every difference."""
    both = (first, second)
    differences = [*_scenes(first, second), *_matrix(first, second)]
    return {
        "apiVersion": LAB_API_VERSION,
        "kind": "NetworkComparison",
        "sides": [_side(one) for one in both],
        "passed": all(one.report["passed"] for one in both),
        "same": not differences,
        "differences": differences,
        "latency": list(_latency(both)),
    }


def _side(one: Observation) -> Obj:
    return {
        "lab": one.lab,
        "network": one.network,
        "pods": len(one.names),
        "passed": one.report["passed"],
        "durationSeconds": one.report["durationSeconds"],
    }


def _scenes(first: Observation, second: Observation) -> Iterator[Obj]:
    for where in sorted({*first.scenes, *second.scenes}):
        here, there = (one.scenes.get(where, _NOTHING) for one in (first, second))
        yield from _lines("routes", where, here.routes, there.routes)
        yield from _mtus(where, here.mtus, there.mtus)
        yield from _lines("rules", where, here.rules, there.rules)


def _lines(subject: str, where: str, first: Sequence[str], second: Sequence[str]) -> Iterator[Obj]:
    """Lines that only one side has; one that stands there oftener is told as often."""
    here, there = Counter(first), Counter(second)
    only = [sorted((here - there).elements()), sorted((there - here).elements())]
    if any(only):
        yield {"subject": subject, "where": where, "only": only}


def _mtus(where: str, first: Mapping[str, int], second: Mapping[str, int]) -> Iterator[Obj]:
    for link in sorted({*first, *second}):
        values = [first.get(link), second.get(link)]
        if values[0] != values[1]:
            yield {"subject": "mtu", "where": where, "link": link, "values": values}


def _matrix(first: Observation, second: Observation) -> Iterator[Obj]:
    """Claims by kind of way and protocol: how many failed, and after how many hops they arrived."""
    here, there = _outcomes(first), _outcomes(second)
    for key in sorted({*here, *there}):
        values = [here.get(key), there.get(key)]
        if values[0] != values[1]:
            claim, path, protocol = key
            found = {"claim": claim, "path": path, "protocol": protocol, "values": values}
            yield {"subject": "matrix", **found}


def _outcomes(one: Observation) -> dict[tuple[str, str, str], Obj]:
    found: dict[tuple[str, str, str], Obj] = {}
    for check in one.report["checks"]:
        key = check["claim"], check["path"], check["protocol"]
        outcome = found.setdefault(key, {"checked": 0, "failed": 0, "hops": [], "reasons": []})
        outcome["checked"] += 1
        if not check["passed"]:
            outcome["failed"] += 1
            _add(outcome["reasons"], check["reason"])
        elif check["received"]:
            _add(outcome["hops"], _TTL - check["received"]["ttl"])
    return found


def _add(values: list[Any], value: Any) -> None:
    if value not in values:
        values.append(value)
        values.sort()


def _latency(both: Iterable[Observation]) -> Iterator[Obj]:
    sides = [one.latency for one in both]
    for path in dict.fromkeys(path for side in sides for path in side):
        found = [side.get(path) for side in sides]
        told = [one and {"min": one[0], "median": one[1]} for one in found]
        yield {"path": path, "milliseconds": told}
