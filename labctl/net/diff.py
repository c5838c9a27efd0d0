"""The operations that lead from what is to what should be.

Set arithmetic in a fixed order:

1. what must go before anything can come: links that cannot be changed into what they should be,
   and addresses (the kernel may take secondaries and routes with one, so what is added after stays);
2. what comes or changes: settings of the namespace, links, their settings, addresses, neighbours,
   forwarding entries, nftables, and routes last;
3. what goes: links with all that hangs on them, then the rest in the opposite order.

What the kernel takes along with an operation is counted as lost and planned anew, so one pass
suffices; and as each operation stands alone, a plan that was interrupted is simply made again.
"""

from collections.abc import Iterator

from labctl.net.effects import Working, carry_out
from labctl.net.nouns import Address, Key, Link, Noun, Route, Sysctl
from labctl.net.operations import Create, Delete, Operation, Replace
from labctl.net.state import NetState

_LINK_ORDER = {"loopback": 0, "bridge": 1, "vxlan": 3}  # masters and lower devices first


def diff(observed: NetState, desired: NetState) -> tuple[Operation, ...]:
    """The operations that bring a namespace in state `observed` to `desired`; () if it is there.

    A setting that is observed and not desired stays as it is: it cannot be taken away.
    """
    nouns = dict(observed.by_key)
    plan: list[Operation] = []
    for operation in _clearance(nouns, desired):
        _do(plan, nouns, operation)
    doubtful = _doubtful(nouns, [o.noun for o in plan if isinstance(o.noun, Address)])
    for noun in sorted(desired, key=_order):
        _put(plan, nouns, noun, sure=noun.key not in doubtful)
    for operation in _departures(nouns, desired):
        _do(plan, nouns, operation)
    return tuple(plan)


def _do(plan: list[Operation], nouns: Working, operation: Operation) -> None:
    """Plans an operation, if there is still something to do it to."""
    if operation.noun.key in nouns:
        carry_out(nouns, operation)
        plan.append(operation)


def _put(plan: list[Operation], nouns: Working, noun: Noun, *, sure: bool) -> None:
    """Plans that `noun` be there, if it is not for sure."""
    there = nouns.get(noun.key)
    if there == noun and sure:
        return
    operation = Create(noun) if there is None or there == noun else Replace(noun, there)
    carry_out(nouns, operation)
    plan.append(operation)


def _clearance(nouns: Working, desired: NetState) -> Iterator[Operation]:
    for noun in list(nouns.values()):
        match noun:
            case Link():
                wanted = desired.get(noun.key)
                if isinstance(wanted, Link) and not changeable(noun, wanted):
                    yield Delete(noun)
            case Address():
                if noun not in desired:
                    yield Delete(noun)


def _doubtful(nouns: Working, deleted: list[Address]) -> set[Key]:
    """The keys of what the kernel may have taken along with addresses: their secondaries, and so on.

    Which of a subnet's addresses is primary, and whether promote_secondaries is set, is not asked:
    what may still be there is put again.
    """
    gone = {(address.interface, address.subnet) for address in deleted}
    left = dict(nouns)
    for noun in nouns.values():
        if isinstance(noun, Address) and (noun.interface, noun.subnet) in gone:
            carry_out(left, Delete(noun))
    return nouns.keys() - left.keys()


def changeable(before: Link, after: Link) -> bool:
    """Whether a link can be brought from one state to another without making it anew."""
    return before.kind == after.kind and before.vxlan == after.vxlan


def _departures(nouns: Working, desired: NetState) -> Iterator[Operation]:
    stray = [noun for noun in nouns.values() if desired.get(noun.key) is None]
    for noun in sorted(stray, key=_order, reverse=True):
        if isinstance(noun, Link):
            yield Delete(noun)
    for noun in sorted(stray, key=_order, reverse=True):
        if not isinstance(noun, Link | Sysctl):
            yield Delete(noun)


def _order(noun: Noun) -> tuple[int, int, str]:
    match noun:
        case Link():
            return noun.rank, _LINK_ORDER.get(noun.kind, 2), noun.name
        case Route():
            return noun.rank, _route_order(noun), noun.destination
        case Sysctl():
            # turning forwarding on or off resets others, such as accept_redirects
            return noun.rank, int(not noun.name.endswith("forward")), noun.name
        case _:
            return noun.rank, 0, "/".join(noun.key)


def _route_order(route: Route) -> int:
    """A gateway must be reachable by what is there already; the default route comes last."""
    if route.destination in {"default", "::/0"}:
        return 256
    if route.gateway:
        return 200 - int(route.destination.partition("/")[2])
    return 0
