"""Any other kind: every field of the object, indented, as kubectl describes what it does not know."""

from typing import Any

from labctl.api.objects import Obj
from labctl.cli.describe.common import annotation_lines, heading, label_lines

_SHOWN_ABOVE = ("name", "namespace", "labels", "annotations", "managedFields", "selfLink")


def generic_lines(obj: Obj) -> list[str]:
    """The description of an object of any kind, without its events."""
    rest = {
        key: value for key, value in obj.items() if key not in ("apiVersion", "kind", "metadata")
    }
    metadata = {k: v for k, v in obj["metadata"].items() if k not in _SHOWN_ABOVE}
    return [
        *heading(obj),
        *label_lines(obj),
        *annotation_lines(obj),
        f"API Version:\t{obj.get('apiVersion', '')}",
        f"Kind:\t{obj.get('kind', '')}",
        *field_lines({"metadata": metadata}, ""),
        *field_lines(rest, ""),
    ]


def field_lines(fields: dict[str, Any], indent: str) -> list[str]:
    """A line a field, what is nested further in; fields of a map in the order of their names."""
    lines: list[str] = []
    for key in sorted(fields):
        lines += _field(title(key), fields[key], indent)
    return lines


def _field(name: str, value: Any, indent: str) -> list[str]:
    if isinstance(value, dict):
        return [f"{indent}{name}:", *field_lines(value, indent + "  ")]
    if isinstance(value, list):
        return [f"{indent}{name}:", *(line for one in value for line in _item(one, indent + "  "))]
    if isinstance(value, str) and "\n" in value:
        body = [f"{indent}  {line}" for line in value.splitlines()]
        return [f"{indent}{name}:", *body]
    return [f"{indent}{name}:\t{_scalar(value)}"]


def _item(value: Any, indent: str) -> list[str]:
    if isinstance(value, dict):
        return field_lines(value, indent)
    return [f"{indent}{_scalar(value)}"]


def _scalar(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def title(field: str) -> str:
    """`Creation Timestamp` for creationTimestamp; names with dots and slashes stay as they are."""
    if not field.isalnum():
        return field
    words = ""
    for place, char in enumerate(field):
        after_small = place > 0 and char.isupper() and not field[place - 1].isupper()
        words += f" {char}" if after_small else char
    return words[:1].upper() + words[1:]
