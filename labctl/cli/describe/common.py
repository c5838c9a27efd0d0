"""What the descriptions of all kinds have in common: labels, selectors, conditions, owners."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from labctl.api.objects import Obj, annotations, controller_of, labels, name, namespace

_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_LONGEST_VALUE = 140  # kubectl's maxAnnotationLen


def heading(obj: Obj) -> list[str]:
    """Name and, where there is one, namespace."""
    lines = [f"Name:\t{name(obj)}"]
    return [*lines, f"Namespace:\t{namespace(obj)}"] if namespace(obj) else lines


def label_lines(obj: Obj, prefix: str = "Labels:") -> list[str]:
    return pair_lines(prefix, labels(obj), "=")


def annotation_lines(obj: Obj) -> list[str]:
    """Annotations but the one in which apply remembers; long ones are cut."""
    shown = {key: value for key, value in annotations(obj).items() if key != _LAST_APPLIED}
    cut = {key: _cut(value) for key, value in shown.items()}
    return pair_lines("Annotations:", cut, ": ")


def _cut(value: str) -> str:
    line = value.replace("\n", " ")
    return line if len(line) <= _LONGEST_VALUE else f"{line[: _LONGEST_VALUE - 3]}..."


def pair_lines(prefix: str, pairs: Mapping[str, str], separator: str) -> list[str]:
    """A line a pair, the first beside the prefix, the others below it."""
    shown = [f"{key}{separator}{value}" for key, value in sorted(pairs.items())]
    return list_lines(prefix, shown)


def list_lines(prefix: str, shown: Iterable[str]) -> list[str]:
    """A line a text, the first beside the prefix; `<none>` for none."""
    first, *others = [*shown] or ["<none>"]
    indent = " " * (len(prefix) - len(prefix.lstrip()))
    return [f"{prefix}\t{first}", *(f"{indent}\t{one}" for one in others)]


def controller_lines(obj: Obj) -> list[str]:
    owner = controller_of(obj)
    return [f"Controlled By:\t{owner['kind']}/{owner['name']}"] if owner else []


def selector_text(selector: Mapping[str, Any]) -> str:
    """A LabelSelector in one line: `app=web,tier in (a,b)`."""
    parts = [f"{key}={value}" for key, value in sorted((selector.get("matchLabels") or {}).items())]
    for one in selector.get("matchExpressions") or ():
        values = ",".join(one.get("values") or ())
        match one["operator"]:
            case "In":
                parts.append(f"{one['key']} in ({values})")
            case "NotIn":
                parts.append(f"{one['key']} notin ({values})")
            case "Exists":
                parts.append(one["key"])
            case _:
                parts.append(f"!{one['key']}")
    return ",".join(parts) or "<none>"


def section(
    title: str, header: Sequence[str], rows: Iterable[Iterable[str]], rule: Sequence[str] = ()
) -> list[str]:
    """A titled table with its header underlined; `<none>` beside the title without rows."""
    body = ["  " + "\t".join(row) for row in rows]
    if not body:
        return [f"{title}:\t<none>"]
    rule = rule or ["-" * len(one) for one in header]
    return [f"{title}:", "  " + "\t".join(header), "  " + "\t".join(rule), *body]
