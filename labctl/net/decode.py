"""rtnetlink messages as nouns: what dumps and events say, in the words of `nouns`.

Each function takes the body of a message and a function from an interface's index to its name, and
returns the noun with whether it counts. What the kernel makes by itself does not count: a `lo` that
is down, addresses of scope host and link-local ones, routes of protocol kernel, neighbours that
are not permanent, forwarding entries without a destination, the fallback tunnels.
"""

import socket
import struct
from collections.abc import Callable

from labctl.net import wire
from labctl.net.nouns import LOOPBACK, Address, FdbEntry, Link, Neighbor, Route, Vxlan

AF_BRIDGE = 7

_IFINFOMSG = struct.Struct("=BxHiII")  # family, type, index, flags, change
_IFADDRMSG = struct.Struct("=BBBBI")  # family, prefix length, flags, scope, index
_RTMSG = struct.Struct("=BBBBBBBBI")  # family, dst, src, tos, table, protocol, scope, type, flags
_NDMSG = struct.Struct("=BxxxiHBB")  # family, index, state, flags, type

_ARPHRD_LOOPBACK = 772
_IFF_UP = 1
_IFLA_ADDRESS, _IFLA_IFNAME, _IFLA_MTU, _IFLA_MASTER = 1, 3, 4, 10
_IFLA_LINKINFO, _IFLA_IFALIAS, _IFLA_LINK_NETNSID = 18, 20, 37
_INFO_KIND, _INFO_DATA, _INFO_SLAVE_DATA = 1, 2, 5
_BRPORT_MODE = 4
_VXLAN_ID, _VXLAN_LINK, _VXLAN_LOCAL, _VXLAN_LEARNING = 1, 3, 4, 7
_VXLAN_PORT, _VXLAN_LOCAL6 = 15, 17
# Their modules, once loaded, put these into every new namespace.
_FALLBACK_TUNNELS = frozenset(
    ["tunl0", "sit0", "gre0", "gretap0", "erspan0", "ip_vti0", "ip6_vti0", "ip6tnl0", "ip6gre0"]
)

_IFA_ADDRESS, _IFA_LOCAL = 1, 2
_IFA_F_PERMANENT = 0x80
_SCOPE_LINK, _SCOPE_HOST = 253, 254

_RTA_DST, _RTA_OIF, _RTA_GATEWAY, _RTA_PRIORITY, _RTA_PREFSRC = 1, 4, 5, 6, 7
_RTA_TABLE = 15
_RT_TABLE_MAIN = 254
_RTPROT_KERNEL, _RTPROT_RA = 2, 9
_RTN_UNICAST = 1
_RTNH_F_ONLINK = 4
_RTM_F_CLONED = 0x200
_IP6_METRIC = 1024  # what the kernel makes of "no metric" in IPv6

_NDA_DST, _NDA_LLADDR = 1, 2
_NUD_PERMANENT = 0x80
_NTF_PROXY = 0x08

NameOf = Callable[[int], str]


def link_index(body: bytes) -> tuple[int, str]:
    """The index and name of the link that a RTM_NEWLINK or RTM_DELLINK is about."""
    return _IFINFOMSG.unpack_from(body)[2], link_name(body)


def link_name(body: bytes) -> str:
    """The name alone, which the kernel tells first (rtnl_fill_ifinfo)."""
    return wire.text(wire.first(body, _IFINFOMSG.size, _IFLA_IFNAME))


def link_nsid(body: bytes) -> int | None:
    """The id, here, of the namespace in which the other end of a pair is; None if there is none."""
    return _nsid(wire.attributes(body, _IFINFOMSG.size))


def _nsid(told: dict[int, bytes]) -> int | None:
    return wire.i32(told[_IFLA_LINK_NETNSID]) if _IFLA_LINK_NETNSID in told else None


def link_state(body: bytes) -> tuple[int, bool]:
    """The index of a link, and whether it is up: what the head of a message tells."""
    _, _, index, flags, _ = _IFINFOMSG.unpack_from(body)
    return index, bool(flags & _IFF_UP)


def link(body: bytes, name_of: NameOf) -> tuple[Link, bool]:
    """A link; a `lo` that is down and fallback tunnels do not count."""
    noun, counts, _ = link_and_nsid(body, name_of)
    return noun, counts


def link_and_nsid(body: bytes, name_of: NameOf) -> tuple[Link, bool, int | None]:
    """The same, and `link_nsid`, for the price of one."""
    _, hardware, _, flags, _ = _IFINFOMSG.unpack_from(body)
    told = wire.attributes(body, _IFINFOMSG.size)
    up = bool(flags & _IFF_UP)
    if hardware == _ARPHRD_LOOPBACK:
        return LOOPBACK, up, None
    about = wire.attributes(told.get(_IFLA_LINKINFO, b""))
    kind = wire.text(about.get(_INFO_KIND, b""))
    name = wire.text(told[_IFLA_IFNAME])
    noun = Link(
        name=name,
        kind=kind,
        mtu=wire.u32(told[_IFLA_MTU]),
        mac=wire.mac(told.get(_IFLA_ADDRESS, b"")),
        up=up,
        master=name_of(wire.u32(told[_IFLA_MASTER])) if _IFLA_MASTER in told else "",
        alias=wire.text(told.get(_IFLA_IFALIAS, b"")),
        vxlan=_vxlan(about[_INFO_DATA], name_of) if kind == "vxlan" else None,
        hairpin=wire.attributes(about.get(_INFO_SLAVE_DATA, b"")).get(_BRPORT_MODE) == b"\1",
    )
    return noun, name not in _FALLBACK_TUNNELS, _nsid(told)


def _vxlan(data: bytes, name_of: NameOf) -> Vxlan:
    told = wire.attributes(data)
    local = told.get(_VXLAN_LOCAL, told.get(_VXLAN_LOCAL6, b""))
    return Vxlan(
        vni=wire.u32(told[_VXLAN_ID]),
        local=_ip(local) if local else "",
        device=name_of(wire.u32(told[_VXLAN_LINK])) if _VXLAN_LINK in told else "",
        port=int.from_bytes(told[_VXLAN_PORT], "big"),
        learning=told[_VXLAN_LEARNING] != b"\0",
    )


def address(body: bytes, name_of: NameOf) -> tuple[Address, bool]:
    """An address; those of scope host, link-local and dynamic ones do not count."""
    family, length, flags, scope, index = _IFADDRMSG.unpack_from(body)
    told = wire.attributes(body, _IFADDRMSG.size)
    own = _ip(told.get(_IFA_LOCAL) or told[_IFA_ADDRESS])
    link_local = family == socket.AF_INET6 and scope == _SCOPE_LINK
    counts = scope != _SCOPE_HOST and not link_local and bool(flags & _IFA_F_PERMANENT)
    return Address(name_of(index), f"{own}/{length}"), counts


def route(body: bytes, name_of: NameOf) -> tuple[Route, bool]:
    """A route of the main table; those that the kernel or a router advertisement made do not count.

    One that is not a plain unicast route (blackhole, several next hops) has no interface here, so
    that it is never taken for the one that it stands in the place of.
    """
    family, length, _, _, table, protocol, _, kind, flags = _RTMSG.unpack_from(body)
    told = wire.attributes(body, _RTMSG.size)
    table = wire.u32(told[_RTA_TABLE]) if _RTA_TABLE in told else table
    plain = kind == _RTN_UNICAST and _RTA_OIF in told
    noun = Route(
        destination=_destination(family, length, told.get(_RTA_DST)),
        interface=name_of(wire.u32(told[_RTA_OIF])) if plain else "",
        gateway=_ip(told[_RTA_GATEWAY]) if _RTA_GATEWAY in told else "",
        source=_ip(told[_RTA_PREFSRC]) if _RTA_PREFSRC in told else "",
        onlink=bool(flags & _RTNH_F_ONLINK),
        metric=_metric(family, told.get(_RTA_PRIORITY)),
    )
    counts = (
        table == _RT_TABLE_MAIN
        and family in {socket.AF_INET, socket.AF_INET6}
        and protocol not in {_RTPROT_KERNEL, _RTPROT_RA}
        and not flags & _RTM_F_CLONED
    )
    return noun, counts


def connected_address(body: bytes, name_of: NameOf) -> Address | None:
    """The address with which the kernel made the route of the message; None for other routes."""
    told = wire.attributes(body, _RTMSG.size)
    family, length, _, _, table, protocol, _, kind, _ = _RTMSG.unpack_from(body)
    of_subnet = (family, table, protocol, kind) == (
        socket.AF_INET,
        _RT_TABLE_MAIN,
        _RTPROT_KERNEL,
        _RTN_UNICAST,
    )
    if not of_subnet or _RTA_PREFSRC not in told or _RTA_OIF not in told:
        return None
    own = _ip(told[_RTA_PREFSRC])
    return Address(name_of(wire.u32(told[_RTA_OIF])), f"{own}/{length}", connected=False)


def _destination(family: int, length: int, destination: bytes | None) -> str:
    if destination is None:
        return "default" if family == socket.AF_INET else f"::/{length}"
    return f"{_ip(destination)}/{length}"


def _metric(family: int, priority: bytes | None) -> int:
    metric = wire.u32(priority) if priority else 0
    return 0 if family == socket.AF_INET6 and metric == _IP6_METRIC else metric


def is_fdb(body: bytes) -> bool:
    """Whether a neighbour message is about a forwarding entry."""
    return body[0] == AF_BRIDGE


def neighbor(body: bytes, name_of: NameOf) -> tuple[Neighbor, bool]:
    """A neighbour; only permanent ones count."""
    _, index, state, flags, _ = _NDMSG.unpack_from(body)
    told = wire.attributes(body, _NDMSG.size)
    noun = Neighbor(
        interface=name_of(index),
        address=_ip(told.get(_NDA_DST, b"")),
        mac=wire.mac(told.get(_NDA_LLADDR, b"")),
    )
    return noun, bool(state & _NUD_PERMANENT) and not flags & _NTF_PROXY


def fdb_entry(body: bytes, name_of: NameOf) -> tuple[FdbEntry, bool]:
    """A forwarding entry; only those with a destination (of vxlan devices) count."""
    _, index, state, _, _ = _NDMSG.unpack_from(body)
    told = wire.attributes(body, _NDMSG.size)
    noun = FdbEntry(
        interface=name_of(index),
        mac=wire.mac(told.get(_NDA_LLADDR, b"")),
        destination=_ip(told.get(_NDA_DST, b"")),
    )
    return noun, bool(noun.destination) and bool(state & _NUD_PERMANENT)


def _ip(packed: bytes) -> str:
    if len(packed) == 4:
        return socket.inet_ntop(socket.AF_INET, packed)
    if len(packed) == 16:
        return socket.inet_ntop(socket.AF_INET6, packed)
    return ""
