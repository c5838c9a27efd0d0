"""The README's tour, run for real: what it prints is what the README says, or it is rewritten.

In the README, a fenced block of language `console` holds commands (`$ …`) and what they print. All
of them are run in order, by one shell each, against a lab of their own; a line `…` stands for any
lines. `python -m tools.readme --write` puts what was printed into the README; tests/test_readme.py
compares.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

README = Path(__file__).parent.parent / "README.md"
_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SECONDS = 120
_LAB = "lab"  # what the README calls it

# What differs from run to run: names that are drawn, times, sizes, and where pods were put.
_VARIES = (
    (r"\b(web)-[a-z0-9]{8,10}-[a-z0-9]{5}\b", r"\1-POD"),
    (r"\b(web)-[a-z0-9]{8,10}\b", r"\1-RS"),
    (r"veth[0-9a-f]{8}\b", "vethX"),
    (r"\b([0-9a-f]{2}:){5}[0-9a-f]{2}\b", "MAC"),
    (r"\bnode\d+\b", "nodeN"),
    (r"\b10\.244\.\d+\.\d+(/\d+)?\b", "POD-IP"),
    (r"\b172\.30\.1\.\d+\b", "NODE-IP"),
    (r"\d+(\.\d+)?(/\d+\.\d+)* ?(ms|s|m)\b", "TIME"),
    (r"\b[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} [\d:]+ \+0000", "TIME"),
    (r"\bttl=\d+", "ttl=N"),
    (r"\b0x[0-9a-f]+\b", "0xN"),
    (r"-{3,}", "---"),
    (r"\b\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME"),
    (r"\bport\"?: \d+", "port: N"),
    (r"\bpid \d+|\b\d{3,7}\b", "N"),
    (r"[─┌┐└┘│]+", "│"),
    (r"\s+", " "),
)


@dataclass(frozen=True)
class Turn:
    """A command of the tour and what the README says that it prints."""

    command: str
    printed: str


def turns(text: str) -> Iterator[Turn]:
    """The tour's commands, in order."""
    for block in _BLOCK.findall(text):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, printed = part.partition("\n")
            yield Turn(command, printed)


def run(turn: Turn, lab: str) -> str:
    """What the command prints (both streams) when run as root in lab `lab`, named as in README."""
    command = turn.command.replace("sudo ", "").replace(f"labctl.{_LAB}.", f"labctl.{lab}.")
    binaries = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_SECONDS,
        check=False,
        cwd=README.parent,
        env={
            **os.environ,
            "PATH": binaries,
            "LABCTL_LAB": lab,
            "COLUMNS": "100",
            "LC_ALL": "C.UTF-8",
        },
    )
    return re.sub(rf"\b{re.escape(lab)}\b", _LAB, done.stdout)


def matches(expected: str, printed: str) -> bool:
    """Whether what was printed is what the README says, but for what differs every time.

    Lines about pods come in the order of their drawn names, so the order of lines is not compared.
    """
    wanted, seen = _lines(expected), _lines(printed)
    if "…" not in wanted:
        return sorted(wanted) == sorted(seen)
    pattern = "\n".join(r".*" if line == "…" else re.escape(line) for line in wanted)
    return re.fullmatch(pattern, "\n".join(seen), re.DOTALL) is not None


def _lines(text: str) -> list[str]:
    return [normalise(line) for line in text.splitlines() if line.strip()]


def normalise(line: str) -> str:
    for pattern, word in _VARIES:
        line = re.sub(pattern, word, line)
    return line.strip()


def _rewrite(lab: str) -> None:
    text = README.read_text()
    for turn in list(turns(text)):
        printed = run(turn, lab)
        if "…\n" in turn.printed and matches(turn.printed, printed):
            continue
        text = text.replace(f"$ {turn.command}\n{turn.printed}", f"$ {turn.command}\n{printed}", 1)
        sys.stderr.write(f"$ {turn.command}\n{printed}")
    README.write_text(text)


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit("usage: python -m tools.readme --write")
    try:
        _rewrite("readme-tour")
    finally:
        run(Turn("labctl down", ""), "readme-tour")
