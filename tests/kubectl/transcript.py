"""Transcripts of sessions with kubectl: what is typed, and what must be seen. The tests' tables.

    # what this is about
    @since 1.26
    $ kubectl events --for=pod/web
    LAST SEEN TYPE REASON OBJECT MESSAGE
    ⋮
    … Normal Started Pod/web Started container web
    ! what kubectl says on stderr
    [1]

A line `$ …` is a command for sh, continued by lines `> …`; below it stand the lines of its output,
those of stderr after `! `, and the exit code in brackets unless it is 0. Runs of blanks are one
blank, `…` is any text within a line, a line `⋮` any number of lines, also none. `$NAME` is the
value of that variable, as in the command.

Above a command may stand for which kubectls it is (`@since 1.N`, `@until 1.N`), and that its outcome
takes a moment: `@soon` says it is tried until it is as written, or ten seconds are over.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Row:
    """One command and what must come of it."""

    line: int
    command: str
    out: tuple[str, ...] = ()
    err: tuple[str, ...] = ()
    code: int = 0
    since: int = 0
    until: int = 1000
    soon: bool = False

    def differences(self, code: int, out: str, err: str, values: Mapping[str, str]) -> list[str]:
        """What is not as it must be: nothing, if the outcome is the one that is written."""
        found = [] if code == self.code else [f"exit code {code}, not {self.code}"]
        for name, wanted, seen in (("stdout", self.out, out), ("stderr", self.err, err)):
            if not matches(wanted, seen, values):
                expected = "".join(f"    {line}\n" for line in wanted) or "    (nothing)\n"
                printed = "".join(f"    {line}\n" for line in seen.splitlines())
                found.append(f"{name} must be\n{expected}  and is\n{printed or '    (nothing)'}")
        return found


@dataclass
class _Draft:
    """A row while its lines are read."""

    line: int = 0
    command: str = ""
    out: list[str] = field(default_factory=list)
    err: list[str] = field(default_factory=list)
    code: int = 0
    since: int = 0
    until: int = 1000
    soon: bool = False

    def row(self) -> Row:
        return Row(
            self.line,
            self.command,
            tuple(self.out),
            tuple(self.err),
            self.code,
            self.since,
            self.until,
            self.soon,
        )


def read(path: Path) -> tuple[Row, ...]:
    """The rows of a transcript; raises ValueError for a line that is none."""
    return tuple(draft.row() for draft in _drafts(path.read_text().splitlines()))


def _drafts(lines: Iterable[str]) -> Iterator[_Draft]:
    draft = _Draft()
    for number, line in enumerate(lines, 1):
        mark, _, rest = line.partition(" ")
        if (not line or mark in {"#", "$"} or mark.startswith("@")) and draft.command:
            yield draft
            draft = _Draft()
        if not line or mark == "#":
            continue
        if mark == "$":
            draft.line, draft.command = number, rest
        elif mark.startswith("@"):
            _annotate(draft, mark[1:], rest, number)
        else:
            _continue(draft, line)
    if draft.command:
        yield draft


def _annotate(draft: _Draft, word: str, value: str, number: int) -> None:
    if word in {"since", "until"}:
        setattr(draft, word, int(value.removeprefix("1.")))
    elif word == "soon":
        draft.soon = True
    else:
        raise ValueError(f"line {number}: @{word}")


def _continue(draft: _Draft, line: str) -> None:
    code = re.fullmatch(r"\[(\d+)\]", line)
    if line.startswith(">"):
        draft.command += f"\n{line[2:]}"
    elif code:
        draft.code = int(code[1])
    elif line.startswith("!"):
        draft.err.append(line[2:])
    else:
        draft.out.append(line)


def matches(wanted: Iterable[str], seen: str, values: Mapping[str, str]) -> bool:
    """Whether text is as lines with `…`, `⋮` and `$NAME` say."""
    pattern = "".join(_line_pattern(line, values) for line in wanted)
    text = "".join(f"{' '.join(line.split())}\n" for line in seen.splitlines() if line.strip())
    return re.fullmatch(pattern, text) is not None


def _line_pattern(line: str, values: Mapping[str, str]) -> str:
    if line.strip() == "⋮":
        return r"(?:.*\n)*?"
    text = re.sub(r"\$([A-Z]\w*)", lambda found: values.get(found[1], found[0]), line)
    return re.escape(" ".join(text.split())).replace("…", ".*?") + r"\n"
