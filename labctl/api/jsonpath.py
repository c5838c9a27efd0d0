r"""kubectl's JSONPath templates, the part that people use.

A template is text with actions in braces: `{.items[*].metadata.name}`, `{.status['phase']}`,
`{range .items[*]}{.metadata.name}{"\n"}{end}`, `{.items[?(@.kind=="Pod")].spec}`. Without braces
the whole template is one path. As in kubectl, results of one action are joined by a space, objects
print as JSON, and a field that is not there prints nothing.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from labctl.errors import BadInput

_STEP = re.compile(
    r"""
      (?:\.?\[?)(?P<all>\*)\]? | \.\.(?P<deep>[\w-]+)
    | \.(?P<field>(?:\\.|[^.\[\]\\{}\s'"*])+)
    | \['(?P<quoted>[^']*)'\] | \["(?P<double>[^"]*)"\]
    | \[(?P<index>-?\d+)\]
    | \[(?P<start>-?\d*):(?P<stop>-?\d*)\]
    | \[\?\((?P<filter>[^)]*)\)\]
    """,
    re.VERBOSE,
)
_FILTER = re.compile(r"""@(?P<path>[^\s=!<>]*)\s*(?:(?P<op>==|!=)\s*(?P<value>.+))?""")
_ACTION = re.compile(r"\{((?:[^{}\"']|\"(?:\\.|[^\"])*\"|'(?:\\.|[^'])*')*)\}")


@dataclass(frozen=True)
class Step:
    """One step of a path: what kind, and its argument."""

    kind: str
    argument: Any = None


def render(template: str, value: Any) -> str:
    """The template's text for a value; BadInput when the template cannot be read."""
    template = template if "{" in template else "{" + template + "}"
    return _render(_actions(template), value)


def find(path: str, value: Any) -> list[Any]:
    """All values that a path (`.a.b[0]`, with or without braces) leads to."""
    text = path.strip()
    if text.startswith("{") and text.endswith("}"):
        text = text[1:-1].strip()
    return walk(parse(text), value)


def parse(path: str) -> list[Step]:
    """The steps of a path; BadInput when it cannot be read."""
    text = path.removeprefix("$").removeprefix("@")
    if text and text[0] not in ".[":
        text = "." + text
    steps: list[Step] = []
    position = 0
    while position < len(text.rstrip()):
        match = _STEP.match(text, position)
        if match is None:
            if text[position:].strip() == ".":
                break
            raise BadInput(f"jsonpath: cannot read {path!r} at {text[position:]!r}")
        try:
            steps.append(_step(match))
        except ValueError:  # no JSON beside a comparison, an endless index
            raise BadInput(f"jsonpath: cannot read {path!r} at {match[0]!r}") from None
        position = match.end()
    return steps


def walk(steps: list[Step], value: Any) -> list[Any]:
    values = [value]
    for step in steps:
        values = [found for one in values for found in _take(step, one)]
    return values


def _step(match: re.Match[str]) -> Step:
    kind = str(match.lastgroup)
    text = match.group(kind)
    match kind:
        case "field":
            return Step("field", re.sub(r"\\(.)", r"\1", text))
        case "quoted" | "double":
            return Step("field", text)
        case "index":
            return Step("index", int(text))
        case "filter":
            return Step("filter", _filter(text))
        case "start" | "stop":
            return Step("slice", slice(_bound(match["start"]), _bound(match["stop"])))
    return Step(kind, text)  # all, deep


def _bound(text: str) -> int | None:
    return int(text) if text else None


def _filter(text: str) -> tuple[list[Step], str | None, Any]:
    match = _FILTER.fullmatch(text.strip())
    if match is None:
        raise BadInput(f"jsonpath: cannot read the filter {text!r}")
    wanted = match["value"]
    if wanted is not None:
        wanted = wanted.strip()
        quoted = len(wanted) > 1 and wanted[0] in "'\"" and wanted[-1] == wanted[0]
        wanted = wanted[1:-1] if quoted else json.loads(wanted)
    return parse(match["path"]), match["op"], wanted


def _take(step: Step, value: Any) -> Iterator[Any]:
    match step.kind, value:
        case "field", dict():
            yield from [value[step.argument]] if step.argument in value else []
        case "all", dict():
            yield from value.values()
        case "all", list():
            yield from value
        case "index", list():
            yield from [value[step.argument]] if -len(value) <= step.argument < len(value) else []
        case "slice", list():
            yield from value[step.argument]
        case "filter", list():
            yield from (item for item in value if _passes(step.argument, item))
        case "deep", dict() | list():
            yield from _deep(step.argument, value)


def _passes(condition: tuple[list[Step], str | None, Any], item: Any) -> bool:
    steps, operator, wanted = condition
    found = walk(steps, item)
    if operator is None:
        return bool(found)
    return bool(found) and (found[0] == wanted) == (operator == "==")


def _deep(field: str, value: Any) -> Iterator[Any]:
    if isinstance(value, dict) and field in value:
        yield value[field]
    members = value.values() if isinstance(value, dict) else value
    for member in members:
        if isinstance(member, dict | list):
            yield from _deep(field, member)


def _actions(template: str) -> list[tuple[str, str]]:
    """The template as ("text", …), ("path", …), ("range", …) and ("end", "")."""
    found: list[tuple[str, str]] = []
    position = 0
    for match in _ACTION.finditer(template):
        found.append(("text", template[position : match.start()]))
        found.append(_action(match[1].strip()))
        position = match.end()
    rest = template[position:]
    if "{" in rest:
        raise BadInput(f"jsonpath: unclosed action in {template!r}")
    return [*found, ("text", rest)]


def _action(text: str) -> tuple[str, str]:
    if text == "end":
        return "end", ""
    if text.startswith("range "):
        return "range", text.removeprefix("range ").strip()
    if text[:1] in "\"'" and text[:1]:
        return "text", re.sub(r"\\(.)", _unescape, text[1:-1])
    return "path", text


def _unescape(match: re.Match[str]) -> str:
    return {"n": "\n", "t": "\t", "r": "\r"}.get(match[1], match[1])


def _render(actions: list[tuple[str, str]], value: Any) -> str:
    text = ""
    position = 0
    while position < len(actions):
        kind, argument = actions[position]
        position += 1
        if kind == "range":
            end = _matching_end(actions, position)
            body = actions[position:end]
            text += "".join(_render(body, item) for item in walk(parse(argument), value))
            position = end + 1
        elif kind == "path":
            text += " ".join(map(printed, walk(parse(argument), value)))
        elif kind == "text":
            text += argument
    return text


def _matching_end(actions: list[tuple[str, str]], start: int) -> int:
    depth = 1
    for position in range(start, len(actions)):
        depth += {"range": 1, "end": -1}.get(actions[position][0], 0)
        if depth == 0:
            return position
    raise BadInput("jsonpath: {range} without {end}")


def printed(value: Any) -> str:
    """A value as templates print it: texts as they are, everything else as JSON."""
    if isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
