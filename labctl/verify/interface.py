"""What an interface has, asked by ioctl on a socket of its namespace (netdevice(7), arp(7)).

ioctl and not netlink: a socket that verify holds anyway answers in a microsecond, without entering
anything, and without sharing code with what built the network. Routes are read from /proc.
"""

import contextlib
import ctypes
import fcntl
import socket
import struct
import sys
from ipaddress import IPv4Address, IPv4Network
from typing import NamedTuple

from labctl.net.namespaces import inside

_SIOCGIFCONF = 0x8912
_SIOCGIFMTU = 0x8921
_SIOCGIFHWADDR = 0x8927
_SIOCDARP = 0x8953
_SIOCGARP = 0x8954
_ATF_PERM = 0x04
_REQUEST = struct.Struct("16s24x")  # struct ifreq: 40 bytes on 64-bit machines
_ARP = struct.Struct("=HH4s8x16si16s16s")  # struct arpreq: address, hardware address, flags, …
_MOST = 4096  # addresses that a namespace is asked for


class Held(NamedTuple):
    """An IPv4 address that a namespace has on an interface."""

    interface: str
    address: str


class Way(NamedTuple):
    """A route: by which interface a network is reached."""

    interface: str
    network: IPv4Network


def _request(interface: str) -> bytes:
    return _REQUEST.pack(interface.encode())


def mtu(sock: socket.socket, interface: str) -> int:
    """The MTU of an interface in bytes; OSError (ENODEV) when there is none of that name."""
    answer = fcntl.ioctl(sock, _SIOCGIFMTU, _request(interface))
    return int(struct.unpack_from("i", answer, 16)[0])


def mac(sock: socket.socket, interface: str) -> bytes:
    answer = fcntl.ioctl(sock, _SIOCGIFHWADDR, _request(interface))
    return answer[18:24]


def has(sock: socket.socket, interface: str) -> bool:
    """Whether the socket's namespace has an interface of that name."""
    try:
        mtu(sock, interface)
    except OSError:
        return False
    return True


def addresses(sock: socket.socket) -> tuple[Held, ...]:
    """All IPv4 addresses of the socket's namespace, but for loopback's.

    Interfaces that are down count as well, since Linux answers for their addresses too.
    """
    space = bytearray(_MOST * _REQUEST.size)
    place = (ctypes.c_char * len(space)).from_buffer(space)
    header = bytearray(struct.pack("iP", len(space), ctypes.addressof(place)))
    fcntl.ioctl(sock, _SIOCGIFCONF, header)
    (length,) = struct.unpack_from("i", header)
    found = (_held(space[at : at + _REQUEST.size]) for at in range(0, length, _REQUEST.size))
    return tuple(one for one in found if one.interface != "lo")


def _held(entry: bytearray) -> Held:
    label = bytes(entry[:16]).rstrip(b"\0").decode().split(":")[0]
    return Held(label, socket.inet_ntoa(bytes(entry[20:24])))


def routes(descriptor: int) -> tuple[Way, ...]:
    """The main table's routes of the namespace behind an open descriptor, longest prefix first."""
    with inside(descriptor), open("/proc/thread-self/net/route", encoding="ascii") as table:
        lines = table.read().splitlines()[1:]
    found = (_way(line.split()) for line in lines)
    return tuple(sorted(found, key=lambda way: way.network.prefixlen, reverse=True))


def _way(fields: list[str]) -> Way:
    """A line of /proc/net/route: addresses are hexadecimal, in the machine's own byte order."""
    destination, mask = (
        IPv4Address(int(fields[at], 16).to_bytes(4, sys.byteorder)) for at in (1, 7)
    )
    return Way(fields[0], IPv4Network(f"{destination}/{mask}"))


def forget_neighbour(sock: socket.socket, interface: str, address: str) -> None:
    """Drops the ARP entry for `address` if it was learned; permanent ones are someone's intent."""
    entry = _ARP.pack(socket.AF_INET, 0, socket.inet_aton(address), b"", 0, b"", interface.encode())
    with contextlib.suppress(OSError):  # ENXIO: there is none
        flags = _ARP.unpack(fcntl.ioctl(sock, _SIOCGARP, entry))[4]
        if not flags & _ATF_PERM:
            fcntl.ioctl(sock, _SIOCDARP, entry)
