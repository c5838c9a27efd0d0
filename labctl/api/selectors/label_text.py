"""The text form of label selectors: `app=web,tier in (a, b),!old`, as queries carry it.

The grammar and its mistakes are those of k8s.io/apimachinery/pkg/labels.
"""

import re
from collections.abc import Iterable

from labctl.api.selectors.labels import EVERYTHING, LabelSelector, Requirement, is_integer
from labctl.errors import BadInput

_TOKEN = re.compile(r"\s*(?:(==|!=|=|!|<|>|,|\(|\))|([^\s=!<>,()]+))")
_KEY = re.compile(
    r"(?:[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
)
_VALUE = re.compile(r"(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")


def parse_label_selector(text: str) -> LabelSelector:
    """The selector of a query such as `app=web,tier in (a, b),!old`; SelectorSyntax if it is none."""
    if not text.strip():
        return EVERYTHING
    return LabelSelector(tuple(_LabelParser(text).requirements()))


class SelectorSyntax(BadInput):
    """Text that is no label selector; `problem` is what is wrong with it."""

    def __init__(self, text: str, problem: str) -> None:
        super().__init__(f"unable to parse label selector {text[:200]!r}: {problem}")
        self.problem = problem


class _LabelParser:
    """Reads one requirement after the other from the tokens of a selector."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = self._split(text)
        self._next = 0

    def _split(self, text: str) -> list[str]:
        tokens, position, end = [], 0, len(text.rstrip())
        while position < end:
            match = _TOKEN.match(text, position)
            if match is None:
                raise self._problem(f"unexpected {text[position]!r}")
            tokens.append(match.group(1) or match.group(2))
            position = match.end()
        return tokens

    def requirements(self) -> Iterable[Requirement]:
        while True:
            yield self._requirement()
            word = self._take()
            if word == "":
                return
            if word != ",":
                raise self._problem(f"found '{word}', expected: ',' or 'end of string'")

    def _requirement(self) -> Requirement:
        word = self._take()
        if word == "!":
            return Requirement(self._key(self._take()), "DoesNotExist")
        key = self._key(word)
        operator = self._peek()
        if operator in ("", ","):
            return Requirement(key, "Exists")
        self._take()
        return self._comparison(key, operator)

    def _comparison(self, key: str, operator: str) -> Requirement:
        match operator:
            case "=" | "==":
                return Requirement(key, "In", frozenset((self._value(),)))
            case "!=":
                return Requirement(key, "NotIn", frozenset((self._value(),)))
            case "in":
                return Requirement(key, "In", self._set())
            case "notin":
                return Requirement(key, "NotIn", self._set())
            case "<" | ">":
                return Requirement(key, "Gt" if operator == ">" else "Lt", self._bound())
            case _:
                raise self._problem(f"found '{operator}', expected: in, notin, =, ==, !=, gt, lt")

    def _key(self, word: str) -> str:
        if not _KEY.fullmatch(word):
            raise self._problem(f"found '{word}', expected: a label's key")
        return word

    def _value(self) -> str:
        """A value; none at all is the empty string, as in `app=`."""
        return self._checked("" if self._peek() in ("", ",") else self._take())

    def _checked(self, value: str) -> str:
        if not _VALUE.fullmatch(value):
            raise self._problem(f"found '{value}', expected: a label's value")
        return value

    def _bound(self) -> frozenset[str]:
        value = self._take()
        if not is_integer(value):
            raise self._problem(f"found '{value}', expected: an integer after '<' or '>'")
        return frozenset((value,))

    def _set(self) -> frozenset[str]:
        if self._take() != "(":
            raise self._problem("expected: '(' after in or notin")
        values = {self._member()}
        while (word := self._take()) == ",":
            values.add(self._member())
        if word != ")":
            raise self._problem(f"found '{word}', expected: ',' or ')'")
        return frozenset(values)

    def _member(self) -> str:
        return self._checked("" if self._peek() in (",", ")") else self._take())

    def _peek(self) -> str:
        return self._tokens[self._next] if self._next < len(self._tokens) else ""

    def _take(self) -> str:
        word = self._peek()
        self._next += 1
        return word

    def _problem(self, what: str) -> BadInput:
        return SelectorSyntax(self._text, what)
