"""Operations carried out, one after the other, without a choice of its own.

Addresses, neighbours, forwarding entries and routes are sent in batches; links one by one, since
what follows needs their indices; settings are written and nftables loaded inside the namespace.
"""

import contextlib
import itertools
import os
from collections.abc import Iterable, Iterator

from labctl.net import encode, nft, sysctl
from labctl.net.netlink import Netlink
from labctl.net.nouns import Link, NftTable, Sysctl
from labctl.net.operations import Create, Delete, Operation


def apply(netlink: Netlink, operations: Iterable[Operation]) -> None:
    """Carries out `operations` in the namespace of `netlink`.

    Raises NetError for the first that the kernel refuses. What was before it is done; of a batch,
    what comes after it is done as well. Observe and plan again.
    """
    netlink.forget()
    for how, group in itertools.groupby(operations, key=_means):
        match how:
            case "link":
                for operation in group:
                    _apply_link(netlink, operation)
            case "ip":
                netlink.send([r for o in group for r in encode.requests(o, netlink.index)])
            case "sysctl":
                _write_settings(netlink, group)
            case "nft":
                _load_tables(netlink, group)


def _means(operation: Operation) -> str:
    match operation.noun:
        case Link():
            return "link"
        case Sysctl():
            return "sysctl"
        case NftTable():
            return "nft"
        case _:
            return "ip"


def _apply_link(netlink: Netlink, operation: Operation) -> None:
    with _peer_netns(operation) as descriptor:
        netlink.send(encode.requests(operation, netlink.index, descriptor))
    if isinstance(operation, Delete):
        netlink.forget()


@contextlib.contextmanager
def _peer_netns(operation: Operation) -> Iterator[int]:
    match operation:
        case Create(Link(peer=peer)) if peer:
            descriptor = os.open(peer.netns, os.O_RDONLY | os.O_CLOEXEC)
            try:
                yield descriptor
            finally:
                os.close(descriptor)
        case _:
            yield -1


def _write_settings(netlink: Netlink, operations: Iterable[Operation]) -> None:
    with netlink.inside():
        for operation in operations:
            if isinstance(operation.noun, Sysctl) and not isinstance(operation, Delete):
                sysctl.write(operation.noun)


def _load_tables(netlink: Netlink, operations: Iterable[Operation]) -> None:
    with netlink.inside():
        for operation in operations:
            if not isinstance(operation.noun, NftTable):
                continue
            if isinstance(operation, Delete):
                nft.delete(operation.noun)
            else:
                nft.load(operation.noun)
