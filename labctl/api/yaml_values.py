"""YAML text to JSON values, as strictly as kubectl would and more kindly.

Built on the parser's events rather than on PyYAML's constructors: those turn timestamps into
datetimes and `12:30` into a number, let the last of two equal keys win, and follow aliases without
a bound. Here text goes in and, for each document, a value of dict, list, str, int, float, bool and
None comes out, with the line on which the document starts.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml
from yaml import events

MAX_DEPTH = 100
MAX_ALIASED = 100_000  # values that aliases may add: "billion laughs" stops here

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_TAG = "tag:yaml.org,2002:"
_TAGGED: dict[str, tuple[type, ...]] = {
    "null": (type(None),),
    "bool": (bool,),
    "int": (int,),
    "float": (int, float),
}
_NULLS = frozenset(("", "~", "null", "Null", "NULL"))
_TRUE = ("true", "yes", "on")
_FALSE = ("false", "no", "off")
_BOOLEANS = {
    spelling: word in _TRUE
    for word in (*_TRUE, *_FALSE)
    for spelling in (word, word.title(), word.upper())
}
_INTEGER = re.compile(r"[-+]?(0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|0|[1-9][0-9_]*)")
_FLOAT = re.compile(r"[-+]?(\.[0-9][0-9_]*|[0-9][0-9_]*(\.[0-9_]*)?)([eE][-+]?[0-9]+)?")
_NO_NUMBER = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_MAX_DIGITS = 20  # of an integer of 64 bits
_MAX_EXACT = 2**53  # integers that a float holds exactly


class YamlProblem(Exception):
    """What is wrong and on which line (from 1)."""

    def __init__(self, problem: str, line: int) -> None:
        super().__init__(problem)
        self.problem = problem
        self.line = line


@dataclass(frozen=True)
class YamlDocument:
    """A document of a stream: its place (from 0), its first line (from 1) and its value."""

    index: int
    line: int
    value: Any


def load_documents(text: str, max_values: int | None = None) -> Iterator[YamlDocument]:
    """The documents of a YAML stream, one by one; raises YamlProblem at the first bad one.

    With `max_values` a stream of more values than that is bad: each costs microseconds.
    """
    try:
        yield from _Composer(yaml.parse(text, Loader=_Loader), max_values).documents()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        said = ", ".join(part for part in (error.context, error.problem) if part)
        if "maximum nesting depth" in said:  # libyaml has a limit of its own since 0.2.6
            said = f"nested deeper than {MAX_DEPTH} levels"
        last = text.count("\n") + 1  # the end of the text counts as a line of its own
        raise YamlProblem(said, min(mark.line + 1, last) if mark else 1) from None
    except yaml.YAMLError as error:
        raise YamlProblem(str(error).splitlines()[0], 1) from None
    except UnicodeError:
        raise YamlProblem("the text holds characters that are not valid Unicode", 1) from None


class _Composer:
    """Values from events; aliases give the value that was made for their anchor."""

    def __init__(self, stream: Iterator[Any], max_values: int | None) -> None:
        self._stream = stream
        self._max_values = max_values
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._made = 0
        self._aliased = 0

    def documents(self) -> Iterator[YamlDocument]:
        index = 0
        for event in self._stream:
            if not isinstance(event, events.DocumentStartEvent):
                continue
            self._anchors = {}
            root = next(self._stream)
            yield YamlDocument(index, _line(root), self._value(root, 0))
            index += 1

    def _value(self, event: Any, depth: int) -> Any:
        if isinstance(event, events.AliasEvent):
            return self._alias(event)
        if depth > MAX_DEPTH:
            raise YamlProblem(f"nested deeper than {MAX_DEPTH} levels", _line(event))
        before = self._made
        self._made += 1
        if self._max_values is not None and self._made > self._max_values:
            raise YamlProblem(f"more than {self._max_values} values", _line(event))
        value = self._made_of(event, depth)
        if event.anchor:
            self._anchors[event.anchor] = value, self._made - before
        return value

    def _made_of(self, event: Any, depth: int) -> Any:
        if isinstance(event, events.ScalarEvent):
            return scalar(event)
        _check_tag(event)
        if isinstance(event, events.SequenceStartEvent):
            return self._sequence(depth)
        return self._mapping(depth)

    def _alias(self, event: Any) -> Any:
        if event.anchor not in self._anchors:
            raise YamlProblem(f"*{event.anchor} is not the alias of anything above", _line(event))
        value, size = self._anchors[event.anchor]
        self._made += size  # so that what holds this alias counts in full when aliased itself
        self._aliased += size
        if self._aliased > MAX_ALIASED:
            raise YamlProblem("aliases expand to too much", _line(event))
        return value

    def _sequence(self, depth: int) -> list[Any]:
        items = []
        while not isinstance(event := next(self._stream), events.SequenceEndEvent):
            items.append(self._value(event, depth + 1))
        return items

    def _mapping(self, depth: int) -> dict[str, Any]:
        members: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        while not isinstance(event := next(self._stream), events.MappingEndEvent):
            if _is_merge(event):
                merged = {**self._merge(depth), **merged}
                continue
            key = _key_text(self._value(event, depth + 1), event)
            if key in members:
                raise YamlProblem(f"the key {key!r} is there twice", _line(event))
            members[key] = self._value(next(self._stream), depth + 1)
        return {**merged, **members} if merged else members

    def _merge(self, depth: int) -> dict[str, Any]:
        """What `<<` brings in: a mapping, or several, of which earlier ones win."""
        event = next(self._stream)
        value = self._value(event, depth + 1)
        merged: dict[str, Any] = {}
        for one in reversed(value) if isinstance(value, list) else [value]:
            if not isinstance(one, dict):
                raise YamlProblem("<< needs a mapping or a list of mappings", _line(event))
            merged.update(one)
        return merged


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _check_tag(event: Any) -> None:
    if event.tag not in (None, "!", f"{_TAG}map", f"{_TAG}seq"):
        raise YamlProblem(f"the tag {event.tag} is not supported", _line(event))


def _is_merge(event: Any) -> bool:
    return isinstance(event, events.ScalarEvent) and event.value == "<<" and event.implicit[0]


def _key_text(key: Any, event: Any) -> str:
    """A mapping's key as JSON has it: numbers and booleans are written out."""
    if isinstance(key, str):
        return key
    if isinstance(key, bool):
        return "true" if key else "false"
    if isinstance(key, int | float):
        return str(key)
    raise YamlProblem("a key must be a string", _line(event))


def scalar(event: Any) -> Any:
    """The value of a scalar: plain ones are resolved, quoted ones are strings."""
    tag, text = event.tag, event.value
    if tag is None or tag == "!":
        return resolve(text, _line(event)) if event.implicit[0] else text
    if tag == f"{_TAG}str":
        return text
    resolved = resolve(text, _line(event))
    if not isinstance(resolved, _TAGGED.get(tag.removeprefix(_TAG), ())):
        raise YamlProblem(f"{text[:40]!r} with the tag {tag} is not supported", _line(event))
    return resolved


def resolve(text: str, line: int = 1) -> Any:
    """What a plain scalar means; dates and `12:30` are strings, as Kubernetes has them."""
    if text in _NULLS:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if _INTEGER.fullmatch(text) and len(text) <= _MAX_DIGITS:
        return _integer(text.replace("_", ""))
    if _FLOAT.fullmatch(text):
        return _number(text.replace("_", ""), line)
    if _NO_NUMBER.fullmatch(text):
        raise YamlProblem(f"{text} is no number that JSON can carry", line)
    return text


def _integer(text: str) -> int:
    digits = text.lstrip("+-")
    if len(digits) > 1 and digits[0] == "0" and digits[1].isdigit():
        return int(text, 8)  # YAML 1.1: 0644 is octal
    return int(text, 0)


def _number(text: str, line: int) -> int | float:
    """A float, or an integer where it is whole: Kubernetes reads `3.0` and `1e3` as integers."""
    value = float(text)
    if not math.isfinite(value):
        raise YamlProblem(f"{text[:20]}… is no number that JSON can carry", line)
    return int(value) if value.is_integer() and abs(value) <= _MAX_EXACT else value
