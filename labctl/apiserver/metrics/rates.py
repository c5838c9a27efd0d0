"""From two summaries of one node to what is used a second (pure)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from labctl.api.objects import Obj, parse_time


@dataclass(frozen=True, slots=True)
class Rate:
    """CPU in billionths of a core, over `window` seconds up to `at`, and the memory held then."""

    cpu: int
    memory: int
    window: float
    at: float


@dataclass(frozen=True, slots=True)
class NodeUsage:
    """A node, and the containers of its pods: by the pod's uid, then by name."""

    node: Rate
    pods: Mapping[str, Mapping[str, Rate]] = field(default_factory=dict)


def node_usage(before: Obj | None, after: Obj) -> NodeUsage:
    """What is used between two answers of `/stats/summary`.

    What had not begun at the first is measured from its own start. The node's figure is the sum of
    its parts, each with its own start: a sum of totals would fall when a pod ends.
    """
    known = dict(_parts(before or {}))
    rates = {place: _rate(part, known.get(place)) for place, part in _parts(after)}
    pods: dict[str, dict[str, Rate]] = {
        pod["podRef"]["uid"]: {} for pod in after.get("pods") or () if pod.get("containers")
    }
    for (uid, name, _), rate in rates.items():
        if uid:
            pods[uid][name] = rate
    node = after["node"]
    whole = _rate(node, (before or {}).get("node"))
    cpu = sum(rate.cpu for rate in rates.values())
    return NodeUsage(Rate(cpu, whole.memory, whole.window, whole.at), pods)


def _parts(summary: Obj) -> Iterator[tuple[tuple[str, str, str], Obj]]:
    """The agent and all containers, by pod, name and start."""
    for one in summary.get("node", {}).get("systemContainers") or ():
        yield ("", one["name"], one["startTime"]), one
    for pod in summary.get("pods") or ():
        for one in pod.get("containers") or ():
            yield (pod["podRef"]["uid"], one["name"], one["startTime"]), one


def _rate(after: Obj, before: Obj | None) -> Rate:
    """A command of an exec takes its time along when it ends, so that a sum may even fall."""
    used, at = after["cpu"]["usageCoreNanoSeconds"], parse_time(after["cpu"]["time"])
    since = parse_time(before["cpu"]["time"] if before else after["startTime"])
    used -= before["cpu"]["usageCoreNanoSeconds"] if before else 0
    window = max(at - since, 0.001)
    cpu = max(int(used / window), 0)
    return Rate(cpu, after["memory"]["workingSetBytes"], window, at)
