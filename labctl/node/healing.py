"""What was mended, and the words for it: what was found, and what was done about it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from labctl.net.nouns import Link
from labctl.net.operations import Create, Operation, Replace
from labctl.node.snapshot import PodPort

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Mended:
    """An operation that was done. `port` is the pod's that it is about, if it is about one.

    It was done on the node, or `inside` the pod's own namespace.
    """

    operation: Operation
    port: PodPort | None = None
    inside: bool = False

    @property
    def place(self) -> str:
        if not self.inside or self.port is None:
            return ""
        return f"in pod {self.port.namespace}/{self.port.pod}: "


def report(done: Sequence[Mended]) -> str:
    """One sentence for a log line or an Event; of many operations the first few.

    Where is said once if it is one place, and else of each.
    """
    one_place = len({one.place for one in done}) == 1
    where = done[0].place if one_place else ""
    shown = [("" if one_place else one.place, one.operation) for one in done[:_SHOWN]]
    found = "; ".join(f"{place}{_found(operation)}" for place, operation in shown)
    did = "; ".join(f"{place}{operation.describe()}" for place, operation in shown)
    more = f" (and {len(done) - _SHOWN} more)" if len(done) > _SHOWN else ""
    return f"{where}found {found}{more}, did: {did}{more}"


def patient(done: Iterable[Mended]) -> PodPort | None:
    """The pod that all of it is about; None where the node was hurt, or several pods."""
    ports = {one.port for one in done}
    return ports.pop() if len(ports) == 1 else None


def _found(operation: Operation) -> str:
    noun = operation.noun
    match operation:
        case Create():
            return f"no {noun.describe()}"
        case Replace(Link() as link, Link() as before):
            return f"{noun.describe()} {_difference(before, link)}"
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
