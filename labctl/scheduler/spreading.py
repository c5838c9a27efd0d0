"""Where replicas should not crowd: a pod's topology spread constraints, as values.

A pod that has none of its own gets Kubernetes' defaults by its `group` (see `scores`). Constraints
count pods by selector, so the scheduler's cache keeps one tally a selector that is in use.
"""

from dataclasses import dataclass

from labctl.api.objects import Obj, labels, namespace
from labctl.api.selectors import LabelSelector, Requirement, from_object


@dataclass(frozen=True)
class Crowd:
    """Pods that are counted together: those of a namespace that a selector matches."""

    namespace: str
    selector: LabelSelector

    def has(self, namespace: str, labels: dict[str, str]) -> bool:
        return namespace == self.namespace and self.selector.matches(labels)


@dataclass(frozen=True)
class SpreadConstraint:
    """At most `max_skew` more of `crowd` in one domain of `topology_key` than in the emptiest."""

    topology_key: str
    max_skew: int
    hard: bool
    crowd: Crowd
    itself: bool = True
    """Whether the pod is one of the crowd."""


def constraints(pod: Obj) -> tuple[SpreadConstraint, ...]:
    given = pod["spec"].get("topologySpreadConstraints") or ()
    return tuple(_constraint(pod, one) for one in given)


def _constraint(pod: Obj, given: Obj) -> SpreadConstraint:
    own = labels(pod)
    selector = from_object(given.get("labelSelector"))
    same = (
        Requirement(key, "In", frozenset((own[key],)))
        for key in given.get("matchLabelKeys") or ()
        if key in own
    )
    crowd = Crowd(namespace(pod), LabelSelector((*selector.requirements, *same), selector.nothing))
    return SpreadConstraint(
        given["topologyKey"],
        given["maxSkew"],
        given.get("whenUnsatisfiable", "DoNotSchedule") == "DoNotSchedule",
        crowd,
        crowd.has(namespace(pod), own),
    )
