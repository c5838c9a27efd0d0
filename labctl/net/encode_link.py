"""Links as rtnetlink requests: made, changed in place, deleted.

A veth pair, the only kind of which a lab has thousands, is encoded once by pyroute2 and patched;
bridges and vxlan devices are one or two a node and encoded each time.
"""

import functools
import struct
from collections.abc import Callable
from typing import Any

from labctl.net import wire
from labctl.net.messages import IFF_UP, RTM_DELLINK, RTM_NEWLINK, RTM_SETLINK, ifinfmsg
from labctl.net.nouns import Link, Vxlan
from labctl.net.template import Template, packed

_MAKE = wire.NLM_F_REQUEST | wire.NLM_F_CREATE | wire.NLM_F_EXCL
_CHANGE = wire.NLM_F_REQUEST
_IFNAME_SIZE = 15
_AF_INET6 = 10
_ADDR_GEN_MODE_NONE = 1
_IFLA_ADDRESS = 1
_IFLA_IFNAME = 3
_IFLA_MTU = 4
_IFLA_MASTER = 10
_IFLA_LINKINFO = 18
_IFLA_IFALIAS = 20
_INFO_SLAVE_KIND, _INFO_SLAVE_DATA = 4, 5
_BRPORT_MODE = 4
_U32 = struct.Struct("=I")
_IFINFOMSG = struct.Struct("=BxHiII")  # family, type, index, flags, change

Index = Callable[[str], int]


def create(link: Link, index: Index, peer_netns: int = -1) -> list[bytes]:
    """The requests that make `link`; a veth pair's other end is made in `peer_netns`.

    `peer_netns` is a descriptor. An alias takes a request of its own: the kernel ignores it in
    the one that makes the link.
    """
    if link.kind == "loopback":
        return [_change(link.name, IFF_UP, IFF_UP, b"")]
    requests = [_veth(link, index, peer_netns) if link.kind == "veth" else _plain(link, index)]
    if link.kind == "bridge":
        # it would follow the MTU of its ports, had it not been set once after it was made
        requests += [_mtu(link.name, link.mtu - 1), _mtu(link.name, link.mtu)]
    if link.alias:
        requests.append(alias(link.name, link.alias))
    if link.hairpin:
        requests.append(hairpin(link.name, on=True))
    return requests


def _mtu(name: str, mtu: int) -> bytes:
    return _change(name, 0, 0, wire.attribute(_IFLA_MTU, _U32.pack(mtu)))


def alias(name: str, text: str) -> bytes:
    """The request that gives a link the alias `text`."""
    # an empty one has to be sent as one zero byte
    return _change(name, 0, 0, wire.attribute(_IFLA_IFALIAS, text.encode() or b"\0"))


def hairpin(name: str, *, on: bool) -> bytes:
    """The request that lets a port of a bridge send back what it brought, or forbids it."""
    mode = wire.attribute(_BRPORT_MODE, b"\1" if on else b"\0")
    about = wire.attribute(_INFO_SLAVE_KIND, b"bridge\0") + wire.attribute(_INFO_SLAVE_DATA, mode)
    body = _IFINFOMSG.pack(0, 0, 0, 0, 0) + _named(name) + wire.attribute(_IFLA_LINKINFO, about)
    return wire.message(RTM_NEWLINK, _CHANGE, body)  # the kernel reads it in no RTM_SETLINK


def change(before: Link, after: Link, index: Index) -> bytes:
    """The request that brings a link from one state to another in place."""
    data = b""
    if after.mtu != before.mtu:
        data += wire.attribute(_IFLA_MTU, _U32.pack(after.mtu))
    if after.mac != before.mac:
        data += wire.attribute(_IFLA_ADDRESS, wire.mac_bytes(after.mac))
    if after.master != before.master:
        data += wire.attribute(_IFLA_MASTER, _U32.pack(_master(after, index)))
    if after.alias != before.alias:
        data += wire.attribute(_IFLA_IFALIAS, after.alias.encode() or b"\0")
    mask = IFF_UP if after.up != before.up else 0
    return _change(after.name, IFF_UP if after.up else 0, mask, data)


def set_up(name: str, *, up: bool) -> bytes:
    """The request that sets a link up or down."""
    return _change(name, IFF_UP if up else 0, IFF_UP, b"")


def delete(name: str) -> bytes:
    """The request that deletes a link."""
    return wire.message(RTM_DELLINK, _CHANGE, _IFINFOMSG.pack(0, 0, 0, 0, 0) + _named(name))


def no_ipv6_address(index: int) -> bytes:
    """The request that keeps IPv6 from giving a link a link-local address (and looking for twins).

    It has to come before the link goes up.
    """
    return _no_ipv6_template().fill({"index": _U32.pack(index)})


@functools.cache
def _no_ipv6_template() -> Template:
    request = ifinfmsg()
    request["index"] = 0x21B2C3D4
    family = {"attrs": [("IFLA_INET6_ADDR_GEN_MODE", _ADDR_GEN_MODE_NONE)]}
    request["attrs"] = [("IFLA_AF_SPEC", {"attrs": [("AF_INET6", family)]})]
    return Template(packed(request, RTM_SETLINK, _CHANGE), {"index": _U32.pack(0x21B2C3D4)})


def _named(name: str) -> bytes:
    return wire.attribute(_IFLA_IFNAME, name.encode() + b"\0")


def _change(name: str, flags: int, mask: int, data: bytes) -> bytes:
    body = _IFINFOMSG.pack(0, 0, 0, flags, mask) + _named(name) + data
    return wire.message(RTM_SETLINK, _CHANGE, body)


def _master(link: Link, index: Index) -> int:
    return index(link.master) if link.master else 0


def _plain(link: Link, index: Index) -> bytes:
    request = ifinfmsg()
    request["flags"] = request["change"] = IFF_UP if link.up else 0
    about: list[tuple[str, Any]] = [("IFLA_INFO_KIND", link.kind)]
    if link.vxlan:
        about.append(("IFLA_INFO_DATA", {"attrs": _vxlan_data(link.vxlan, index)}))
    attributes: list[tuple[str, Any]] = [("IFLA_IFNAME", link.name), ("IFLA_MTU", link.mtu)]
    attributes += [("IFLA_ADDRESS", link.mac)] if link.mac else []
    attributes += [("IFLA_MASTER", index(link.master))] if link.master else []
    request["attrs"] = [*attributes, ("IFLA_LINKINFO", {"attrs": about})]
    return packed(request, RTM_NEWLINK, _MAKE)


def _vxlan_data(vxlan: Vxlan, index: Index) -> list[tuple[str, Any]]:
    local = "IFLA_VXLAN_LOCAL6" if ":" in vxlan.local else "IFLA_VXLAN_LOCAL"
    return [
        ("IFLA_VXLAN_ID", vxlan.vni),
        ("IFLA_VXLAN_LINK", index(vxlan.device)),
        (local, vxlan.local),
        ("IFLA_VXLAN_PORT", vxlan.port),
        ("IFLA_VXLAN_LEARNING", int(vxlan.learning)),
    ]


def _veth(link: Link, index: Index, peer_netns: int) -> bytes:
    if link.peer is None:
        raise ValueError(f"{link.name}: a veth pair has two ends")
    return _veth_template().fill(
        {
            "flags": _U32.pack(IFF_UP if link.up else 0),
            "name": link.name.encode(),
            "mtu": _U32.pack(link.mtu),
            "mac": wire.mac_bytes(link.mac),
            "master": _U32.pack(_master(link, index)),
            "peer name": link.peer.name.encode(),
            "peer mtu": _U32.pack(link.peer.mtu),
            "peer mac": wire.mac_bytes(link.peer.mac),
            "peer netns": _U32.pack(peer_netns),
        }
    )


@functools.cache
def _veth_template() -> Template:
    """Both ends in their namespaces. The peer must not carry IFF_UP: that gives ENOTCONN.

    They are made with the one queue that they use: of a queue for each processor, the default, all
    but one are taken back when the link is there already, and each end then waits for a grace
    period of RCU (veth_init_queues in drivers/net/veth.c).
    """
    queues = [("IFLA_NUM_TX_QUEUES", 1), ("IFLA_NUM_RX_QUEUES", 1)]
    request = ifinfmsg()
    request["flags"] = 0x21B2C3D4
    request["change"] = IFF_UP
    peer = [
        ("IFLA_IFNAME", "p" * _IFNAME_SIZE),
        ("IFLA_MTU", 0x24B5C6D7),
        ("IFLA_ADDRESS", "a5:b6:c7:d8:e9:fa"),
        ("IFLA_NET_NS_FD", 0x26B7C8D9),
        *queues,
    ]
    data = {"attrs": [("VETH_INFO_PEER", {"attrs": peer})]}
    request["attrs"] = [
        ("IFLA_IFNAME", "l" * _IFNAME_SIZE),
        ("IFLA_MTU", 0x22B3C4D5),
        ("IFLA_ADDRESS", "a3:b4:c5:d6:e7:f8"),
        ("IFLA_MASTER", 0x27B8C9DA),
        *queues,
        ("IFLA_LINKINFO", {"attrs": [("IFLA_INFO_KIND", "veth"), ("IFLA_INFO_DATA", data)]}),
    ]
    marks = {
        "flags": _U32.pack(0x21B2C3D4),
        "name": b"l" * _IFNAME_SIZE,
        "mtu": _U32.pack(0x22B3C4D5),
        "mac": bytes.fromhex("a3b4c5d6e7f8"),
        "master": _U32.pack(0x27B8C9DA),
        "peer name": b"p" * _IFNAME_SIZE,
        "peer mtu": _U32.pack(0x24B5C6D7),
        "peer mac": bytes.fromhex("a5b6c7d8e9fa"),
        "peer netns": _U32.pack(0x26B7C8D9),
    }
    return Template(packed(request, RTM_NEWLINK, _MAKE), marks)
