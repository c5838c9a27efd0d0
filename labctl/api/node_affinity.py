"""Which nodes a pod asks for: nodeSelector and nodeAffinity as one value."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from labctl.api.objects import Obj
from labctl.api.selectors import Requirement


@dataclass(frozen=True)
class Term:
    """Requirements on a node's labels, and on its name; all must hold. Empty matches nothing."""

    labels: tuple[Requirement, ...]
    fields: tuple[Requirement, ...]

    def matches(self, name: str, labels: Mapping[str, str]) -> bool:
        if not self.labels and not self.fields:
            return False
        named = {"metadata.name": name}
        return all(one.matches(labels) for one in self.labels) and all(
            one.matches(named) for one in self.fields
        )


@dataclass(frozen=True)
class NodeAffinity:
    """What nodes must have, and what is preferred, each with its weight."""

    selector: tuple[Requirement, ...] = ()
    required: tuple[Term, ...] | None = None
    preferred: tuple[tuple[int, Term], ...] = ()

    @classmethod
    def of(cls, spec: Obj) -> Self:
        selector = (spec.get("nodeSelector") or {}).items()
        affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
        required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
        preferred = affinity.get("preferredDuringSchedulingIgnoredDuringExecution") or ()
        return cls(
            tuple(Requirement(k, "In", frozenset((v,))) for k, v in sorted(selector)),
            None if required is None else _terms(required.get("nodeSelectorTerms") or ()),
            tuple((one["weight"], _term(one["preference"])) for one in preferred),
        )

    def allows(self, name: str, labels: Mapping[str, str]) -> bool:
        """Whether the node has all that is asked for: one of the required terms suffices."""
        if not all(one.matches(labels) for one in self.selector):
            return False
        if self.required is None:
            return True
        return any(term.matches(name, labels) for term in self.required)

    def preference(self, name: str, labels: Mapping[str, str]) -> int:
        """The weights of the preferred terms that the node matches, together."""
        return sum(weight for weight, term in self.preferred if term.matches(name, labels))


ANY_NODE: Final = NodeAffinity()


def _terms(terms: Iterable[Obj]) -> tuple[Term, ...]:
    return tuple(_term(one) for one in terms)


def _term(term: Mapping[str, Any]) -> Term:
    return Term(
        tuple(_requirement(one) for one in term.get("matchExpressions") or ()),
        tuple(_requirement(one) for one in term.get("matchFields") or ()),
    )


def _requirement(one: Mapping[str, Any]) -> Requirement:
    return Requirement(one["key"], one["operator"], frozenset(one.get("values") or ()))
