"""Operations as rtnetlink requests: the one place that knows which message does what.

`sysctl` and `nft` operations are no netlink messages and are carried out by `apply` itself.
"""

import errno

from labctl.errors import NetError
from labctl.net import encode_ip, encode_link
from labctl.net.encode_link import Index
from labctl.net.netlink import Request
from labctl.net.nouns import Address, FdbEntry, Link, Neighbor, Noun, Route
from labctl.net.operations import Create, Delete, Operation, Replace

# What the kernel says of a thing that is gone already, or whose interface is.
GONE = frozenset({errno.ENODEV, errno.ENOENT, errno.ESRCH, errno.EADDRNOTAVAIL})


def requests(operation: Operation, index: Index, peer_netns: int = -1) -> list[Request]:
    """The requests that carry out `operation`; `index` gives an interface's index.

    `peer_netns` is the descriptor of the namespace for the far end of a veth pair.
    """
    match operation:
        case Create(Link() as link):
            messages = encode_link.create(link, index, peer_netns)
            return [Request(message, operation.describe) for message in messages]
        case Replace(Link() as link, Link() as before):
            messages = [encode_link.change(before, link, index)]
            if link.turns_hairpin(before):
                messages.append(encode_link.hairpin(link.name, on=link.hairpin))
            return [Request(message, operation.describe) for message in messages]
        case Delete(Link(kind="loopback") as link):
            return [Request(encode_link.set_up(link.name, up=False), operation.describe)]
        case Delete(Link() as link):
            return [Request(encode_link.delete(link.name), operation.describe, GONE)]
        case Create(noun) | Replace(noun, _):
            return [Request(_message(noun, index, present=True), operation.describe)]
        case Delete(noun):
            return _removal(noun, operation, index)


def _removal(noun: Noun, operation: Operation, index: Index) -> list[Request]:
    try:
        return [Request(_message(noun, index, present=False), operation.describe, GONE)]
    except NetError as error:
        if error.errno != errno.ENODEV:
            raise
        return []  # the interface is gone, and the noun with it


def _message(noun: Noun, index: Index, *, present: bool) -> bytes:
    match noun:
        case Address():
            return encode_ip.address(noun, index(noun.interface), present=present)
        case Neighbor():
            return encode_ip.neighbor(noun, index(noun.interface), present=present)
        case FdbEntry():
            return encode_ip.fdb_entry(noun, index(noun.interface), present=present)
        case Route():
            return encode_ip.route(
                noun, index(noun.interface) if noun.interface else 0, present=present
            )
        case _:
            raise TypeError(f"{noun.describe()} is not made by rtnetlink")
