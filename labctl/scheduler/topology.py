"""Spreading and company made into filters and scores for one pod and the present state.

Each rule looks at all nodes once, to count its crowd by domain; then it answers for single nodes
like any other filter.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from labctl.scheduler.crowds import Company, Crowd, SpreadConstraint
from labctl.scheduler.filters import Filter, Wake
from labctl.scheduler.nodeinfo import NodeInfo
from labctl.scheduler.podinfo import PodInfo
from labctl.scheduler.scores import BEST, Score

Count = Callable[[Crowd], Mapping[str, int]]
Demands = Sequence[tuple[Company, Mapping[str, int]]]


_ANY_CHANGE: Final = Wake.NODE | Wake.POD_GONE | Wake.POD_PLACED


@dataclass(frozen=True)
class Extras:
    """Filters and weighted scores that hold for one decision."""

    filters: tuple[Filter, ...] = ()
    scores: tuple[tuple[Score, float], ...] = ()


def extras(pod: PodInfo, nodes: Mapping[str, NodeInfo], count: Count, loners: Demands) -> Extras:
    """The rules of this pod's spec, and of pods in place that want to be left alone."""
    if not pod.spread and not pod.companies and not loners:
        return Extras()
    present = nodes.values()
    filters = [spreading(pod, one, present, count(one.crowd)) for one in pod.spread if one.hard]
    filters += [
        nearness(one, domains(present, one.topology_key, count(one.crowd)))
        for one in pod.companies
        if not one.weight
    ]
    filters += [loneliness(one, domains(present, one.topology_key, by)) for one, by in loners]
    soft = [one for one in pod.spread if not one.hard]
    wishes = [one for one in pod.companies if one.weight]
    scores: list[tuple[Score, float]] = []
    if soft:
        scores.append((_evenness(soft, present, count), 2.0))
    if wishes:
        scores.append((_preference(wishes, present, count), 2.0))
    return Extras(tuple(filters), tuple(scores))


def domains(nodes: Iterable[NodeInfo], key: str, by_node: Mapping[str, int]) -> Counter[str]:
    """How many there are in each domain of `key`; domains without any are there too, with 0."""
    counts: Counter[str] = Counter()
    for node in nodes:
        if key in node.labels:
            counts[node.labels[key]] += by_node.get(node.name, 0)
    return counts


def spreading(
    pod: PodInfo,
    constraint: SpreadConstraint,
    nodes: Iterable[NodeInfo],
    by_node: Mapping[str, int],
) -> Filter:
    """Domains count if one of their nodes is one that the pod asks for."""
    text = "node(s) didn't match pod topology spread constraints"
    key = constraint.topology_key
    eligible = [one for one in nodes if pod.node_affinity.allows(one.name, one.labels)]
    counts = domains(eligible, key, by_node)
    limit = min(counts.values(), default=0) + constraint.max_skew - constraint.itself

    def reasons(_: PodInfo, node: NodeInfo) -> Iterable[str]:
        if key not in node.labels:
            yield f"{text} (missing required label)"
        elif counts[node.labels[key]] > limit:
            yield text

    return Filter("PodTopologySpread", reasons, helpful=True, wakes=_ANY_CHANGE)


def nearness(company: Company, counts: Counter[str]) -> Filter:
    """The pod must be near its crowd, or apart from it; the first of a crowd may go anywhere."""
    word = "anti-affinity" if company.apart else "affinity"
    text = f"node(s) didn't match pod {word} rules"
    first = company.itself and not any(counts.values())

    def reasons(_: PodInfo, node: NodeInfo) -> Iterable[str]:
        domain = node.labels.get(company.topology_key)
        there = counts[domain] if domain is not None else 0
        alone = domain is None or not (there or first)
        if there if company.apart else alone:
            yield text

    return Filter("InterPodAffinity", reasons, helpful=True, wakes=_ANY_CHANGE)


def loneliness(company: Company, counts: Counter[str]) -> Filter:
    """Pods in place that must be apart from such a pod keep it out of their domains."""

    def reasons(_: PodInfo, node: NodeInfo) -> Iterable[str]:
        if counts[node.labels.get(company.topology_key, "")] > 0:
            yield "node(s) didn't satisfy existing pods anti-affinity rules"

    return Filter("InterPodAffinity", reasons, helpful=True, wakes=_ANY_CHANGE)


def _evenness(
    constraints: Sequence[SpreadConstraint], nodes: Iterable[NodeInfo], count: Count
) -> Score:
    """More for domains with fewer of the crowd."""
    known = list(nodes)
    counted = [(one, domains(known, one.topology_key, count(one.crowd))) for one in constraints]

    def score(_: PodInfo, candidates: Sequence[NodeInfo]) -> list[float]:
        crowding = [
            float(sum(by[node.labels.get(one.topology_key, "")] for one, by in counted))
            for node in candidates
        ]
        return _stretched([-one for one in crowding])

    return score


def _preference(wishes: Sequence[Company], nodes: Iterable[NodeInfo], count: Count) -> Score:
    """More for domains with more of the wanted crowds and fewer of the unwanted."""
    known = list(nodes)
    counted = [(one, domains(known, one.topology_key, count(one.crowd))) for one in wishes]

    def score(_: PodInfo, candidates: Sequence[NodeInfo]) -> list[float]:
        return _stretched(
            [
                float(
                    sum(
                        (-one.weight if one.apart else one.weight)
                        * by[node.labels.get(one.topology_key, "")]
                        for one, by in counted
                    )
                )
                for node in candidates
            ]
        )

    return score


def _stretched(values: Sequence[float]) -> list[float]:
    """The values mapped to 0 … 100, the greatest being best; all alike are all best."""
    low, high = min(values, default=0.0), max(values, default=0.0)
    if low == high:
        return [BEST] * len(values)
    return [BEST * (value - low) / (high - low) for value in values]
