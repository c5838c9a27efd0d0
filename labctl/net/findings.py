"""Words for wounds: what was found, and what was done about it."""

from collections.abc import Sequence
from dataclasses import dataclass

from labctl.net.nouns import Address, Link
from labctl.net.operations import Create, Delete, Operation, Replace

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """A wound in words: "no route …", "ip route add …", and where, as "in pod default/web: "."""

    found: str
    did: str
    place: str = ""


def finding(done: Operation, place: str = "") -> Finding:
    return Finding(_found(done), done.describe(), place)


def report(findings: Sequence[Finding]) -> str:
    """One sentence for a log line or an Event; of many findings the first few.

    Where is said once if it is one place, and else of each.
    """
    one_place = len({one.place for one in findings}) == 1
    where = findings[0].place if one_place else ""
    shown = [("" if one_place else one.place, one) for one in findings[:_SHOWN]]
    found = "; ".join(f"{place}{one.found}" for place, one in shown)
    did = "; ".join(f"{place}{one.did}" for place, one in shown)
    more = f" (and {len(findings) - _SHOWN} more)" if len(findings) > _SHOWN else ""
    return f"{where}found {found}{more}, did: {did}{more}"


def _found(operation: Operation) -> str:
    noun = operation.noun
    match operation:
        case Create():
            return f"no {noun.describe()}"
        case Replace(Link() as link, Link() as before):
            return f"{noun.describe()} {_difference(before, link)}"
        case Delete(Address(connected=False)):
            return f"{noun.describe()} without its route"
        case Replace(_, before):
            return f"{before.describe()} in place of {noun.describe()}"
        case _:
            return f"a stray {noun.describe()}"


def _difference(before: Link, after: Link) -> str:
    """What is wrong with a link, in words of `ip link`."""
    words = []
    if before.up != after.up:
        words.append("up" if before.up else "down")
    for field in ("mtu", "mac", "master", "alias"):
        found, wanted = getattr(before, field), getattr(after, field)
        if found != wanted:
            words.append(f"with {field} {found}" if found else f"without {field}")
    return ", ".join(words) or "changed"
