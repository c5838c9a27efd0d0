"""Pings between two pods in a round that hurts neither them nor their way: none may be lost."""

from collections.abc import Iterator
from contextlib import contextmanager

from labctl.api.objects import name
from tests.chaos.population import population
from tests.chaos.walk import CHANGES, CRASHES, NODES, Round
from tests.command import Labctl
from tests.whole.witnesses import Flood, flooding, place

_HARMLESS = {*CHANGES, *CRASHES, "uncordon", "verify", "open"}


@contextmanager
def witnessing(labctl: Labctl, steps: Round) -> Iterator[Flood]:
    """Counts from beginning to end; in other rounds nothing is sent."""
    if not {step.kind for step in steps} <= _HARMLESS:
        yield Flood()
        return
    first, second = _unhurt(steps)
    listed = labctl("get", "pods", "-o", "json").json["items"]
    found = {name(pod): place(pod, labctl.lab) for pod in listed if name(pod) in (first, second)}
    with flooding(found[first], found[second]) as flood:
        yield flood


def _unhurt(steps: Round) -> tuple[str, str]:
    """Two pods on two nodes that keep their sandboxes."""
    hurt = {step.victim.pod for step in steps if step.victim}
    hurt |= {step.subject for step in steps if step.kind == "open"}
    left: dict[str, str] = {}
    for pod in population(NODES):
        if not pod["spec"].get("hostNetwork") and name(pod) not in hurt:
            left.setdefault(pod["spec"]["nodeName"], name(pod))
    first, second, *_ = left.values()
    return first, second
