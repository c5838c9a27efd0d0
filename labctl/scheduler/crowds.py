"""Rules about a pod's company: topology spread, pod affinity and anti-affinity, as values.

All three speak of a crowd (the pods that a selector matches) and a topology key (the node label
whose values are the domains in which the crowd is counted).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from labctl.api.objects import Obj, labels, namespace
from labctl.api.selectors import LabelSelector, Requirement, from_object


@dataclass(frozen=True)
class Crowd:
    """The pods of some namespaces (None: of all) that a selector matches."""

    namespaces: frozenset[str] | None
    selector: LabelSelector

    def has(self, namespace: str, labels: Mapping[str, str]) -> bool:
        here = self.namespaces is None or namespace in self.namespaces
        return here and self.selector.matches(labels)


@dataclass(frozen=True)
class SpreadConstraint:
    """At most `max_skew` more of the crowd in one domain than in the emptiest; `hard` or a wish."""

    topology_key: str
    max_skew: int
    hard: bool
    crowd: Crowd
    itself: bool
    """Whether the pod is one of the crowd."""


@dataclass(frozen=True)
class Company:
    """A wish to be near the crowd, or apart from it; `weight` 0 is no wish but a must."""

    topology_key: str
    crowd: Crowd
    apart: bool
    weight: int = 0
    itself: bool = False


def spread_constraints(pod: Obj) -> tuple[SpreadConstraint, ...]:
    given = pod["spec"].get("topologySpreadConstraints") or ()
    return tuple(_spread_constraint(pod, one) for one in given)


def companies(pod: Obj) -> tuple[Company, ...]:
    """The pod's terms of podAffinity and podAntiAffinity, required and preferred."""
    affinity = pod["spec"].get("affinity") or {}
    found: list[Company] = []
    for field, apart in (("podAffinity", False), ("podAntiAffinity", True)):
        given = affinity.get(field) or {}
        musts = given.get("requiredDuringSchedulingIgnoredDuringExecution") or ()
        wishes = given.get("preferredDuringSchedulingIgnoredDuringExecution") or ()
        found += (_company(pod, term, apart=apart, weight=0) for term in musts)
        found += (
            _company(pod, wish["podAffinityTerm"], apart=apart, weight=wish["weight"])
            for wish in wishes
        )
    return tuple(found)


def _spread_constraint(pod: Obj, given: Mapping[str, Any]) -> SpreadConstraint:
    crowd = Crowd(frozenset((namespace(pod),)), _selector(pod, given))
    return SpreadConstraint(
        given["topologyKey"],
        given["maxSkew"],
        given.get("whenUnsatisfiable", "DoNotSchedule") == "DoNotSchedule",
        crowd,
        crowd.has(namespace(pod), labels(pod)),
    )


def _company(pod: Obj, term: Mapping[str, Any], *, apart: bool, weight: int) -> Company:
    crowd = Crowd(_namespaces(pod, term), _selector(pod, term))
    itself = crowd.has(namespace(pod), labels(pod))
    return Company(term["topologyKey"], crowd, apart, weight, itself)


def _namespaces(pod: Obj, term: Mapping[str, Any]) -> frozenset[str] | None:
    """Those that the term names, or the pod's own. An empty namespaceSelector means all; one with
    requirements is not looked at: the scheduler does not follow namespaces.
    """
    if term.get("namespaceSelector") == {}:
        return None
    return frozenset(term.get("namespaces") or (namespace(pod),))


def _selector(pod: Obj, given: Mapping[str, Any]) -> LabelSelector:
    """The label selector, narrowed to pods with the same values of `matchLabelKeys`."""
    selector = from_object(given.get("labelSelector"))
    return LabelSelector(
        (*selector.requirements, *_same(pod, given.get("matchLabelKeys") or ())),
        selector.nothing,
    )


def _same(pod: Obj, keys: Iterable[str]) -> Iterable[Requirement]:
    own = labels(pod)
    return (Requirement(key, "In", frozenset((own[key],))) for key in keys if key in own)
