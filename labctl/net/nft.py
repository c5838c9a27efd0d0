"""nftables: a whole table as text, loaded in one transaction, and known again later.

The nft language is the documented interface, so tables are written in it and handed to one
`nft -f -`; its output is never parsed. To know a table again, two chains without rules stand in it:

    rev-DIGEST    says which text the table was made from
    seal-DIGEST   says what the kernel made of it: a digest of its chains, rules and sets as
                  netlink tells them, added when the table had been loaded

A table whose contents no longer fit its seal has been tampered with, or was not loaded to the end.
Tables without such chains are not labctl's and are left alone. One statement stands on a line:
nft 1.0.6 refuses several in places.
"""

import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from labctl.errors import HostCannot, NetError
from labctl.net import nfnetlink
from labctl.net.nouns import NftTable

DAMAGED = "damaged"
_REVISION = "rev-"
_SEAL = "seal-"


@dataclass(frozen=True, slots=True)
class Chain:
    """A chain. `hook` is empty, or like "type nat hook postrouting priority srcnat"."""

    name: str
    rules: tuple[str, ...] = ()
    hook: str = ""
    policy: str = "accept"

    def lines(self) -> Iterator[str]:
        yield f"chain {self.name} {{"
        if self.hook:
            yield f"\t{self.hook}; policy {self.policy};"
        yield from (f"\t{rule}" for rule in self.rules)
        yield "}"


@dataclass(frozen=True, slots=True)
class Set:
    """A set, or a map where `type` has a colon: "ipv4_addr : verdict"."""

    name: str
    type: str
    elements: tuple[str, ...] = ()
    flags: str = ""

    def lines(self) -> Iterator[str]:
        yield f"{'map' if ' : ' in self.type else 'set'} {self.name} {{"
        yield f"\ttype {self.type}"
        if self.flags:
            yield f"\tflags {self.flags}"
        if self.elements:
            yield "\telements = {"
            yield from (f"\t\t{element}," for element in self.elements)
            yield "\t}"
        yield "}"


def render(family: str, name: str, parts: Iterable[Chain | Set]) -> NftTable:
    """The table `name` of `family` (ip, ip6, inet, bridge) with `parts`, sets before their users.

    Its text replaces the table, whatever it held, in one transaction.
    """
    body = [line for part in parts for line in part.lines()]
    revision = hashlib.sha256("\n".join(body).encode()).hexdigest()[:12]
    table = f"table {family} {name}"
    marked = [*Chain(_REVISION + revision).lines(), *body]
    lines = [f"add {table}", f"delete {table}", f"{table} {{", *(f"\t{li}" for li in marked), "}"]
    return NftTable(family, name, revision, "\n".join(lines) + "\n")


def load(table: NftTable) -> None:
    """Puts the table, in the namespace in which the caller is, in place of its predecessor.

    Raises NetError with nft's own message; then the old table stands.
    """
    run(table.text, f"nft -f - # {table.describe()}")
    with nfnetlink.Tables() as tables:
        seal = _SEAL + tables.digest(table.family, table.name, marks=(_REVISION, _SEAL))
        tables.add_chain(table.family, table.name, seal)


def delete(table: NftTable) -> None:
    """Takes the table away; none there is no error."""
    name = f"{table.family} {table.name}"
    run(f"add table {name}\ndelete table {name}\n", f"nft delete table {name}")


def observe_tables() -> Iterator[NftTable]:
    """The tables of labctl in the namespace in which the caller is."""
    with nfnetlink.Tables() as tables:
        for family, name, chains in tables.chains():
            revision = _marked(chains, _REVISION)
            if not revision:
                continue
            whole = tables.digest(family, name, marks=(_REVISION, _SEAL))
            yield NftTable(family, name, revision if _marked(chains, _SEAL) == whole else DAMAGED)


def _marked(chains: Iterable[str], mark: str) -> str:
    """What follows `mark` in the name of the only chain that begins with it; "" if none does."""
    found = [chain.removeprefix(mark) for chain in chains if chain.startswith(mark)]
    return found[0] if len(found) == 1 else ""


def run(text: str, sentence: str) -> None:
    """Has nft carry out `text` where the caller is; NetError, of `sentence`, with nft's own message."""
    with _file_in_memory() as script, _file_in_memory() as said:
        script.write(text.encode())
        script.seek(0)
        if _run_nft(script.fileno(), said.fileno()) != 0:
            said.seek(0)
            why = re.sub(r"\s+", " ", said.read().decode(errors="replace")).strip()
            raise NetError(f"{sentence}: {why}")


def _file_in_memory() -> BinaryIO:
    return open(os.memfd_create("nft"), "w+b", buffering=0)


def _run_nft(script: int, said: int) -> int:
    """Not by subprocess, of whose memory each agent would have a copy for one call."""
    streams = [
        (os.POSIX_SPAWN_DUP2, descriptor, at) for at, descriptor in enumerate((script, said, said))
    ]
    try:
        pid = os.posix_spawnp("nft", ["nft", "-f", "-"], os.environ, file_actions=streams)
    except FileNotFoundError as error:
        raise HostCannot("nft is not installed", "apt-get install nftables") from error
    return os.waitpid(pid, 0)[1]
