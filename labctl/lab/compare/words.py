"""Texts of two labs in one form: what differs by chance is called alike. Pure."""

import re
from collections.abc import Iterator, Mapping

_CHANCE = (
    (re.compile(r"\bveth[0-9a-f]+\b"), "veth*"),
    (re.compile(r"\bCNI-(DN-|SN-)?[0-9a-f]{10,}\b"), r"CNI-\1*"),
    (re.compile(r"\bCNI-HOSTPORT-[A-Z]+\b"), lambda match: match[0]),
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}-\d+"), "SANDBOX"),
    (re.compile(r"counter packets \d+ bytes \d+"), "counter"),
)
_ADDRESS = re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b(?:/32)?")
_MARKS = re.compile(r"chain (?:rev|seal)-[0-9a-f]+ \{")  # by which labctl knows its tables again


def plain(text: str, names: Mapping[str, str]) -> str:
    """A line with pods' addresses (`names` by address) and names given by chance replaced."""
    for pattern, word in _CHANCE:
        text = pattern.sub(word, text)
    return _ADDRESS.sub(lambda match: names.get(match[0].removesuffix("/32"), match[0]), text)


def rules(ruleset: str, names: Mapping[str, str]) -> Iterator[str]:
    """Each statement of an nft ruleset behind its table and chain: `ip labctl postrouting: …`."""
    above: list[str] = []
    for line in map(str.strip, _joined(ruleset)):
        if line.endswith("{"):
            above.append(line if _MARKS.fullmatch(line) else line.removesuffix("{").strip())
        elif line == "}":
            above.pop()
        elif line and not line.startswith("#") and not any(map(_MARKS.fullmatch, above)):
            where = " ".join(word.partition(" ")[2] for word in above)
            yield plain(f"{where}: {line}", names)


def _joined(ruleset: str) -> Iterator[str]:
    """Lines, those of a set's elements put together."""
    held = ""
    for line in ruleset.splitlines():
        held = f"{held} {line.strip()}" if held else line
        if "elements = {" in held and not held.rstrip().endswith("}"):
            continue
        yield held
        held = ""
