"""Words for wounds: what was found, and what was done about it."""

from collections.abc import Sequence

from labctl.net.nouns import Link
from labctl.net.operations import Create, Operation, Replace

_SHOWN = 5


def report(done: Sequence[Operation]) -> str:
    """One sentence for a log line or an Event; of many operations the first few."""
    found = "; ".join(_found(one) for one in done[:_SHOWN])
    did = "; ".join(one.describe() for one in done[:_SHOWN])
    more = f" (and {len(done) - _SHOWN} more)" if len(done) > _SHOWN else ""
    return f"found {found}{more}, did: {did}{more}"


def _found(operation: Operation) -> str:
    noun = operation.noun
    match operation:
        case Create():
            return f"no {noun.describe()}"
        case Replace(Link()):
            return f"{noun.describe()} changed"
        case Replace(_, before):
            return f"{before.describe()} in place of {noun.describe()}"
        case _:
            return f"a stray {noun.describe()}"
