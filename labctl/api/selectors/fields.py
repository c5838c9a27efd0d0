"""Field selectors: `spec.nodeName=node1,status.phase!=Failed`, from text to a test.

The grammar is that of k8s.io/apimachinery/pkg/fields: values may escape commas and equal signs.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from labctl.errors import BadInput


@dataclass(frozen=True)
class FieldTerm:
    """One field, the text that it must have (or must not), and how to reach it."""

    path: tuple[str, ...]
    value: str
    equal: bool = True

    def matches(self, obj: Mapping[str, Any]) -> bool:
        text = field_text(obj, self.path) or _ABSENT.get(self.path, "")
        return (text == self.value) is self.equal


# Fields that are never absent to Kubernetes: what it takes them for when they are not written.
_ABSENT: Mapping[tuple[str, ...], str] = {
    ("spec", "unschedulable"): "false",
    ("spec", "hostNetwork"): "false",
}
# A field by another name than its path.
_PATHS = {"source": ("source", "component")}
_FIELDS: Mapping[tuple[str, ...], str] = {path: field for field, path in _PATHS.items()}


@dataclass(frozen=True)
class FieldSelector:
    """Terms that must all hold."""

    terms: tuple[FieldTerm, ...] = ()

    def matches(self, obj: Mapping[str, Any]) -> bool:
        return all(term.matches(obj) for term in self.terms)

    @property
    def empty(self) -> bool:
        return not self.terms

    def required(self, field: str) -> str | None:
        """The value that `field` must have, if the selector says so: for indices and lookups."""
        path = tuple(field.split("."))
        return next((one.value for one in self.terms if one.equal and one.path == path), None)


def field_text(obj: Mapping[str, Any], path: Iterable[str]) -> str:
    """A field as text, as selectors compare it: absent is "", booleans are true and false."""
    value: Any = obj
    for step in path:
        if not isinstance(value, Mapping):
            return ""
        value = value.get(step)
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


_FIELD_TERM = re.compile(r"([A-Za-z0-9_.\-\[\]]+)(==|!=|=)(.*)", re.DOTALL)


def parse_field_selector(text: str, allowed: Iterable[str] | None = None) -> FieldSelector:
    """The selector of a query such as `spec.nodeName=node1,status.phase!=Failed`.

    `allowed` are the fields that a resource offers besides name and namespace; None allows all.
    Raises BadInput for bad syntax or a field that is not offered.
    """
    terms = tuple(_field_term(part) for part in _split_terms(text) if part)
    known = None if allowed is None else {"metadata.name", "metadata.namespace", *allowed}
    for term in terms:
        field = _FIELDS.get(term.path) or ".".join(term.path)
        if known is not None and field not in known:
            raise BadInput(f"field label not supported: {field}")
    return FieldSelector(terms)


def _split_terms(text: str) -> list[str]:
    """Terms between commas; a backslash takes the special meaning of what follows it away."""
    return re.findall(r"(?:\\.|[^,\\])+", text, re.DOTALL)


def _field_term(part: str) -> FieldTerm:
    match = _FIELD_TERM.fullmatch(part.strip())
    if match is None:
        raise BadInput(
            f"invalid field selector: {part[:200]!r}; can't understand it as FIELD=VALUE"
        )
    field, operator, value = match.groups()
    unescaped = re.sub(r"\\([,=\\])", r"\1", value)
    path = _PATHS.get(field) or tuple(field.split("."))
    return FieldTerm(path, unescaped, operator != "!=")
