"""Addresses, routes, neighbours and FDB entries as rtnetlink requests.

Each function takes a noun and the index of its interface and returns the encoded message. A shape
(address family, prefix length, which attributes there are) is encoded by pyroute2 when it is first
met, then patched.
"""

import functools
import ipaddress
import socket
import struct

from labctl.net import wire
from labctl.net.messages import (
    RTM_DELADDR,
    RTM_DELNEIGH,
    RTM_DELROUTE,
    RTM_NEWADDR,
    RTM_NEWNEIGH,
    RTM_NEWROUTE,
    ifaddrmsg,
    ndmsg,
    rtmsg,
)
from labctl.net.nouns import Address, FdbEntry, Neighbor, Route
from labctl.net.template import Template, packed

_PUT = wire.NLM_F_REQUEST | wire.NLM_F_CREATE | wire.NLM_F_REPLACE
_TAKE = wire.NLM_F_REQUEST

_IFA_F_NODAD = 0x02
_IFA_F_PERMANENT = 0x80
_NUD_PERMANENT = 0x80
_NTF_SELF = 0x02
_RT_TABLE_MAIN = 254
_RTPROT_BOOT = 3  # what `ip route add` says without being told
_RTN_UNICAST = 1
_SCOPE_UNIVERSE = 0
_SCOPE_LINK = 253
_SCOPE_NOWHERE = 255
_RTNH_F_ONLINK = 4

# What stands for a value until it is known. None of them occurs elsewhere in a message.
_INDEX = 0x21B2C3D4
_METRIC = 0x25B6C7D8
_MAC = "a1:b3:c5:d7:e9:fb"
_ADDRESSES = {
    socket.AF_INET: ("161.162.163.164", "177.178.179.180", "193.194.195.196"),
    socket.AF_INET6: ("a1a2:a3a4::a5a6", "b1b2:b3b4::b5b6", "c1c2:c3c4::c5c6"),
}
_U32 = struct.Struct("=I")


def family_of(address: str) -> socket.AddressFamily:
    """AF_INET or AF_INET6, by the look of an address or prefix."""
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def _ip(address: str) -> bytes:
    return socket.inet_pton(family_of(address), address)


def address(noun: Address, index: int, *, present: bool) -> bytes:
    """The request that puts an address on its interface, or takes it off."""
    length = int(noun.address.partition("/")[2])
    template = _address_template(family_of(noun.address), length, present)
    return template.fill({"index": _U32.pack(index), "address": _ip(noun.ip)})


@functools.cache
def _address_template(family: socket.AddressFamily, length: int, present: bool) -> Template:
    own = _ADDRESSES[family][0]
    request = ifaddrmsg()
    request["family"] = family
    request["prefixlen"] = length
    # no duplicate address detection: it would keep an IPv6 address tentative for a second
    request["flags"] = _IFA_F_PERMANENT | (_IFA_F_NODAD if family == socket.AF_INET6 else 0)
    request["index"] = _INDEX
    request["attrs"] = [("IFA_LOCAL", own), ("IFA_ADDRESS", own)]
    message = packed(request, *((RTM_NEWADDR, _PUT) if present else (RTM_DELADDR, _TAKE)))
    return Template(message, {"index": _U32.pack(_INDEX), "address": _ip(own)})


def neighbor(noun: Neighbor, index: int, *, present: bool) -> bytes:
    """The request for a permanent neighbour."""
    template = _neighbor_template(family_of(noun.address), present)
    return template.fill(
        {
            "index": _U32.pack(index),
            "address": _ip(noun.address),
            "mac": wire.mac_bytes(noun.mac),
        }
    )


def fdb_entry(noun: FdbEntry, index: int, *, present: bool) -> bytes:
    """The request for a permanent forwarding entry of a vxlan device itself (`self`)."""
    template = _fdb_template(family_of(noun.destination), present)
    return template.fill(
        {
            "index": _U32.pack(index),
            "address": _ip(noun.destination),
            "mac": wire.mac_bytes(noun.mac),
        }
    )


@functools.cache
def _neighbor_template(family: socket.AddressFamily, present: bool) -> Template:
    request = ndmsg()
    request["family"] = family
    return _finish_neighbor(request, family, present)


@functools.cache
def _fdb_template(family: socket.AddressFamily, present: bool) -> Template:
    request = ndmsg()
    request["family"] = socket.AF_BRIDGE
    request["flags"] = _NTF_SELF
    return _finish_neighbor(request, family, present)


def _finish_neighbor(request: ndmsg, family: socket.AddressFamily, present: bool) -> Template:
    address = _ADDRESSES[family][0]
    request["ifindex"] = _INDEX
    request["state"] = _NUD_PERMANENT
    request["attrs"] = [("NDA_DST", address), ("NDA_LLADDR", _MAC)]
    message = packed(request, *((RTM_NEWNEIGH, _PUT) if present else (RTM_DELNEIGH, _TAKE)))
    marks = {
        "index": _U32.pack(_INDEX),
        "address": _ip(address),
        "mac": wire.mac_bytes(_MAC),
    }
    return Template(message, marks)


def route(noun: Route, index: int, *, present: bool) -> bytes:
    """The request for a route; a new one replaces what has its destination and metric."""
    family, destination, length = _prefix(noun.destination)
    shape = (bool(noun.interface), bool(noun.gateway), bool(noun.source), bool(noun.metric))
    template = _route_template(family, length, shape, noun.onlink, present)
    return template.fill(
        {
            "index": _U32.pack(index),
            "destination": destination,
            "gateway": _ip(noun.gateway) if noun.gateway else b"",
            "source": _ip(noun.source) if noun.source else b"",
            "metric": _U32.pack(noun.metric),
        }
    )


@functools.lru_cache
def _prefix(destination: str) -> tuple[socket.AddressFamily, bytes, int]:
    """Family, address and length of a route's destination; those of pods have all the same."""
    prefix = ipaddress.ip_network("0.0.0.0/0" if destination == "default" else destination)
    family = socket.AF_INET if prefix.version == 4 else socket.AF_INET6
    return family, prefix.network_address.packed, prefix.prefixlen


@functools.cache
def _route_template(
    family: socket.AddressFamily,
    length: int,
    shape: tuple[bool, bool, bool, bool],
    onlink: bool,
    present: bool,
) -> Template:
    interface, gateway, source, metric = shape
    destination, via, preferred = _ADDRESSES[family]
    request = rtmsg()
    request["family"] = family
    request["dst_len"] = length
    request["table"] = _RT_TABLE_MAIN
    if present:
        request["proto"] = _RTPROT_BOOT
        request["scope"] = _SCOPE_UNIVERSE if gateway else _SCOPE_LINK
        request["type"] = _RTN_UNICAST
    else:
        request["scope"] = _SCOPE_NOWHERE  # whatever it is
    request["flags"] = _RTNH_F_ONLINK if onlink else 0
    wanted = [
        (length > 0, "RTA_DST", "destination", destination, _ip(destination)),
        (interface, "RTA_OIF", "index", _INDEX, _U32.pack(_INDEX)),
        (gateway, "RTA_GATEWAY", "gateway", via, _ip(via)),
        (source, "RTA_PREFSRC", "source", preferred, _ip(preferred)),
        (metric, "RTA_PRIORITY", "metric", _METRIC, _U32.pack(_METRIC)),
    ]
    request["attrs"] = [(kind, value) for there, kind, _, value, _ in wanted if there]
    message = packed(request, *((RTM_NEWROUTE, _PUT) if present else (RTM_DELROUTE, _TAKE)))
    return Template(message, {name: mark for there, _, name, _, mark in wanted if there})
