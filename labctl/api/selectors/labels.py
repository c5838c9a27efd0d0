"""Label selectors as values: requirements on labels, and how an object's selector becomes them."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from labctl.api.objects import Obj


@dataclass(frozen=True)
class Requirement:
    """One condition on a label: `operator` is In, NotIn, Exists, DoesNotExist, Gt or Lt."""

    key: str
    operator: str
    values: frozenset[str] = frozenset()

    def matches(self, labels: Mapping[str, str]) -> bool:
        present = self.key in labels
        match self.operator:
            case "In":
                return present and labels[self.key] in self.values
            case "NotIn":
                return not present or labels[self.key] not in self.values
            case "Exists":
                return present
            case "DoesNotExist":
                return not present
            case _:
                return present and self._compares(labels[self.key])

    def _compares(self, label: str) -> bool:
        (bound,) = self.values
        if not (is_integer(label) and is_integer(bound)):
            return False
        return int(label) > int(bound) if self.operator == "Gt" else int(label) < int(bound)

    def __str__(self) -> str:
        values = sorted(self.values)
        match self.operator:
            case "In" | "NotIn" if len(values) == 1:
                return f"{self.key}{'=' if self.operator == 'In' else '!='}{values[0]}"
            case "In" | "NotIn":
                return f"{self.key} {self.operator.lower()} ({','.join(values)})"
            case "Exists":
                return self.key
            case "DoesNotExist":
                return f"!{self.key}"
            case _:
                return f"{self.key}{'>' if self.operator == 'Gt' else '<'}{values[0]}"


def is_integer(text: str) -> bool:
    return re.fullmatch(r"[+-]?[0-9]{1,19}", text) is not None


@dataclass(frozen=True)
class LabelSelector:
    """Conditions that must all hold; without any it matches everything, unless `nothing`."""

    requirements: tuple[Requirement, ...] = ()
    nothing: bool = False

    def matches(self, labels: Mapping[str, str] | None) -> bool:
        if self.nothing:
            return False
        present = labels or {}
        return all(one.matches(present) for one in self.requirements)

    @property
    def empty(self) -> bool:
        """Whether it matches everything."""
        return not self.requirements and not self.nothing

    def __str__(self) -> str:
        """The selector as text that `parse_label_selector` reads back."""
        if self.nothing:
            return "nothing,!nothing"  # the grammar has no word for it, a contradiction serves
        return ",".join(str(one) for one in self.requirements)


EVERYTHING = LabelSelector()
NOTHING = LabelSelector(nothing=True)


def from_object(selector: Mapping[str, Any] | None) -> LabelSelector:
    """The selector of an object: `{matchLabels, matchExpressions}`.

    As in Kubernetes an absent selector matches nothing and an empty one everything.
    """
    if selector is None:
        return NOTHING
    equal = (
        Requirement(key, "In", frozenset((value,)))
        for key, value in sorted((selector.get("matchLabels") or {}).items())
    )
    return LabelSelector((*equal, *_expressions(selector.get("matchExpressions") or ())))


def from_labels(labels: Mapping[str, str] | None) -> LabelSelector:
    """The selector of a Service or ReplicationController: plain labels; none match nothing."""
    return from_object({"matchLabels": labels}) if labels else NOTHING


def _expressions(expressions: Iterable[Obj]) -> Iterable[Requirement]:
    for one in expressions:
        yield Requirement(one["key"], one["operator"], frozenset(one.get("values") or ()))
