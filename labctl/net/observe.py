"""What there is in a namespace, as nouns: the other half of `desired`.

Five dumps, the settings that are asked for, and labctl's nftables. What the kernel makes by itself
is left out (see `decode`), so that after `apply` the state equals what was desired.
"""

import contextlib
import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from labctl.errors import NetError
from labctl.net import decode, nft, sysctl, wire
from labctl.net.netlink import Netlink
from labctl.net.nouns import Address, Neighbor, Noun
from labctl.net.state import NetState

_RTM_GETLINK = 18
_RTM_GETADDR = 22
_RTM_GETROUTE = 26
_RTM_GETNEIGH = 30
_IFLA_EXT_MASK = 29
_IFLA_TARGET_NETNSID = 46
_RTEXT_FILTER_SKIP_STATS = struct.pack("=I", 1 << 3)
_IFINFOMSG_SIZE = 16
_IFADDRMSG_SIZE = 8
_RTMSG_SIZE = 12
_NDMSG = struct.Struct("=BxxxiHBB")  # family, index, state, flags, type

Decoder = Callable[[bytes, decode.NameOf], tuple[Noun, bool]]


def link_messages(netlink: Netlink, nsid: int | None = None) -> list[bytes]:
    """The bodies of a dump of all links, without statistics; of the namespace `nsid` if given.

    One that has no such id (any more) has no links.
    """
    asked = wire.attribute(_IFLA_EXT_MASK, _RTEXT_FILTER_SKIP_STATS)
    if nsid is None:
        return netlink.dump(_RTM_GETLINK, bytes(_IFINFOMSG_SIZE) + asked)
    asked += wire.attribute(_IFLA_TARGET_NETNSID, struct.pack("=i", nsid))
    with contextlib.suppress(NetError):
        return netlink.dump(_RTM_GETLINK, bytes(_IFINFOMSG_SIZE) + asked)
    return []


def observe(netlink: Netlink, sysctls: Iterable[str] = ()) -> NetState:
    """The state of the namespace of `netlink`, with those of the settings `sysctls` that exist.

    Tables of nftables count if labctl made them; others are left alone.
    """
    nouns: list[Noun] = [*_rtnetlink(netlink)]
    with netlink.inside():
        nouns += sysctl.observe(sysctls)
        nouns += nft.observe_tables()
    return NetState(nouns)


def observe_like(netlink: Netlink, desired: NetState) -> NetState:
    """The same, with the settings that `desired` names."""
    return observe(netlink, [key[1] for key in desired.by_key if key[0] == "sysctl"])


def learned_neighbors(netlink: Netlink) -> list[Neighbor]:
    """The neighbours that the kernel found, or still looks for, by itself."""
    names = dict(decode.link_index(body) for body in link_messages(netlink))
    found = (
        decode.neighbor(body, lambda index: names.get(index, f"if{index}"))
        for body in netlink.dump(_RTM_GETNEIGH, bytes(_NDMSG.size))
    )
    return [neighbor for neighbor, permanent in found if not permanent]


def _rtnetlink(netlink: Netlink) -> Iterator[Noun]:
    messages = link_messages(netlink)
    names = dict(decode.link_index(body) for body in messages)

    def name_of(index: int) -> str:
        return names.get(index, f"if{index}")

    def counted(bodies: Iterable[bytes], read: Decoder) -> Iterator[Noun]:
        found = (read(body, name_of) for body in bodies)
        return (noun for noun, counts in found if counts)

    links = [decode.link(body, name_of) for body in messages]
    addresses = counted(netlink.dump(_RTM_GETADDR, bytes(_IFADDRMSG_SIZE)), decode.address)
    routes = netlink.dump(_RTM_GETROUTE, bytes(_RTMSG_SIZE))
    made = [decode.connected_address(body, name_of) for body in routes]
    yield from (link for link, counts in links if counts)
    yield from _with_routes(addresses, made, {link.name for link, _ in links if link.up})
    yield from counted(routes, decode.route)
    yield from counted(netlink.dump(_RTM_GETNEIGH, bytes(_NDMSG.size)), decode.neighbor)
    for index in [i for i, (link, _) in zip(names, links, strict=True) if link.kind == "vxlan"]:
        # a bridge has an entry for each MAC of each port: ask for the device's own only
        wanted = _NDMSG.pack(decode.AF_BRIDGE, index, 0, 0, 0)
        yield from counted(netlink.dump(_RTM_GETNEIGH, wanted), decode.fdb_entry)


def _with_routes(
    addresses: Iterable[Noun], made: Iterable[Address | None], up: set[str]
) -> Iterator[Noun]:
    """The addresses, unconnected where the kernel's route to their subnet is not among `made`."""
    there = {(address.interface, address.subnet) for address in made if address}
    for noun in addresses:
        if isinstance(noun, Address) and noun.has_subnet and noun.interface in up:
            yield replace(noun, connected=(noun.interface, noun.subnet) in there)
        else:
            yield noun
