"""What an operation does to a state, with what the kernel takes along of its own accord.

A link takes all that hangs on it; one that goes down takes its routes and neighbours without a
word; a new MAC flushes the link's neighbours, permanent ones too; an address takes the routes that
name it as their source, and the last IPv4 one of an interface all routes and neighbours there.
`diff` must know this to plan what is lost, and an agent to know what it has after what it did.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace

from labctl.net.nouns import Address, Key, Link, Neighbor, Noun, Route, Sysctl
from labctl.net.operations import Create, Delete, Operation, Replace
from labctl.net.state import NetState

Working = dict[Key, Noun]  # a state that is being changed


def after(state: NetState, operations: Iterable[Operation]) -> NetState:
    """The state in which `operations`, done to `state`, leave the kernel."""
    nouns = dict(state.by_key)
    for operation in operations:
        carry_out(nouns, operation)
    return NetState(nouns.values())


def carry_out(nouns: Working, operation: Operation) -> None:
    """Does one operation to a working state."""
    match operation:
        case Create(noun):
            nouns[noun.key] = noun
        case Replace(noun, before):
            if isinstance(noun, Link) and isinstance(before, Link):
                _change_link(nouns, before, noun)
            nouns[noun.key] = noun
        case Delete(Link(kind="loopback") as link):
            _set_down(nouns, link)
            nouns.pop(link.key, None)
        case Delete(Link() as link):
            _delete_link(nouns, link)
        case Delete(Address() as address):
            _delete_address(nouns, address)
        case Delete(Sysctl()):
            pass  # a setting has some value as long as its interface is there
        case Delete(noun):
            nouns.pop(noun.key, None)


def _drop(nouns: Working, doomed: Callable[[Noun], bool]) -> None:
    for key in [key for key, noun in nouns.items() if doomed(noun)]:
        nouns.pop(key, None)


def _change_link(nouns: Working, before: Link, after: Link) -> None:
    if before.up and not after.up:
        _set_down(nouns, before)
    if before.mac != after.mac:
        _drop(nouns, lambda n: isinstance(n, Neighbor) and n.interface == after.name)


def _set_down(nouns: Working, link: Link) -> None:
    _drop(nouns, lambda n: isinstance(n, Route | Neighbor) and n.interface == link.name)


def _delete_link(nouns: Working, link: Link) -> None:
    own = [n for n in nouns.values() if isinstance(n, Address) and n.interface == link.name]
    for address in own:
        _delete_address(nouns, address)
    _drop(nouns, lambda n: n.interface == link.name)
    for noun in list(nouns.values()):
        if not isinstance(noun, Link):
            continue
        if noun.vxlan and noun.vxlan.device == link.name:
            _delete_link(nouns, noun)
        elif noun.master == link.name:
            nouns[noun.key] = replace(noun, master="")


def _delete_address(nouns: Working, address: Address) -> None:
    nouns.pop(address.key, None)
    left = [n for n in nouns.values() if isinstance(n, Address)]
    if not any(n.ip == address.ip for n in left):
        _drop(nouns, lambda n: isinstance(n, Route) and n.source == address.ip)
    if not any(n.interface == address.interface and _ipv4(n.ip) for n in left):
        _drop(nouns, lambda n: isinstance(n, Route | Neighbor) and _ipv4_on(n, address.interface))


def _ipv4_on(noun: Route | Neighbor, interface: str) -> bool:
    reached = noun.destination if isinstance(noun, Route) else noun.address
    return noun.interface == interface and _ipv4(reached)


def _ipv4(text: str) -> bool:
    return ":" not in text
