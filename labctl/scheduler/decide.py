"""One pod, all nodes, one answer: where it goes, or why it cannot go anywhere."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from labctl.scheduler.filters import FILTERS, Filter, Wake
from labctl.scheduler.nodeinfo import NodeInfo
from labctl.scheduler.podinfo import PodInfo
from labctl.scheduler.scores import SCORES, totals
from labctl.scheduler.topology import Extras

Choose = Callable[[Sequence[NodeInfo]], NodeInfo]

_NO_EXTRAS: Final = Extras()


@dataclass(frozen=True)
class Placed:
    """The pod goes to this node."""

    node: str


@dataclass(frozen=True)
class Unplaced:
    """No node can take it: why, in Kubernetes' words, and what could change that."""

    message: str
    wakes: Wake = Wake.NODE


@dataclass
class _Refusals:
    """Why nodes refused, counted over all of them."""

    reasons: Counter[str] = field(default_factory=Counter)
    helpful: int = 0
    unhelpful: int = 0
    wakes: Wake = Wake.NODE

    def note(self, rule: Filter, reasons: Iterable[str]) -> None:
        self.reasons.update(reasons)
        self.helpful += rule.helpful
        self.unhelpful += not rule.helpful
        self.wakes |= rule.wakes


def decide(
    pod: PodInfo, nodes: Iterable[NodeInfo], choose: Choose, extras: Extras = _NO_EXTRAS
) -> Placed | Unplaced:
    """Filters, scores and picks; `choose` picks among the best. `extras` are rules about the pod's
    company, which look at more than one node.
    """
    refusals = _Refusals()
    rules = (*FILTERS, *extras.filters)
    candidates = [node for node in nodes if _takes(pod, node, rules, refusals)]
    if not candidates:
        return Unplaced(_message(refusals), refusals.wakes)
    if len(candidates) == 1:
        return Placed(candidates[0].name)
    scores = totals(pod, candidates, (*SCORES, *extras.scores))
    most = max(scores)
    best = [node for node, score in zip(candidates, scores, strict=True) if score == most]
    return Placed(choose(best).name)


def _takes(pod: PodInfo, node: NodeInfo, filters: Sequence[Filter], refusals: _Refusals) -> bool:
    for rule in filters:
        reasons = tuple(rule.reasons(pod, node))
        if reasons:
            refusals.note(rule, reasons)
            return False
    return True


def _message(refusals: _Refusals) -> str:
    """`0/3 nodes are available: 1 Insufficient cpu, 2 node(s) were unschedulable. preemption: …`"""
    total = refusals.helpful + refusals.unhelpful
    if not total:
        return "no nodes available to schedule pods"
    preemption = {
        "No preemption victims found for incoming pod": refusals.helpful,
        "Preemption is not helpful for scheduling": refusals.unhelpful,
    }
    head = f"0/{total} nodes are available: "
    return f"{head}{_counted(refusals.reasons)} preemption: {head}{_counted(preemption)}"


def _counted(reasons: Mapping[str, int]) -> str:
    texts = sorted(f"{count} {reason}" for reason, count in reasons.items() if count)
    return ", ".join(texts) + "."
