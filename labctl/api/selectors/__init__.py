"""Label and field selectors: from a query's text or an object's selector to a test."""

from labctl.api.selectors.fields import FieldSelector, FieldTerm, field_text, parse_field_selector
from labctl.api.selectors.label_text import SelectorSyntax, parse_label_selector
from labctl.api.selectors.labels import (
    EVERYTHING,
    NOTHING,
    LabelSelector,
    Requirement,
    from_labels,
    from_object,
)

__all__ = [
    "EVERYTHING",
    "NOTHING",
    "FieldSelector",
    "FieldTerm",
    "LabelSelector",
    "Requirement",
    "SelectorSyntax",
    "field_text",
    "from_labels",
    "from_object",
    "parse_field_selector",
    "parse_label_selector",
]
