"""Classic BPF for event sockets: what no noun is ever made of is not even delivered.

Of each pod that comes the kernel tells three dozen things, of which half are left out here: states
of bridge ports, routes of the table `local` and those that it makes along with addresses (that one
went is told), what bridges learn. So are neighbours that the kernel found by itself, or pods' talk
among themselves would wake the agent all day. A permanent entry is never changed by the kernel,
only by somebody's request, which bears that one's port id.
"""

import ctypes
import socket
import struct
import sys

_SO_ATTACH_FILTER = 26
_INSTRUCTION = struct.Struct("=HBBI")  # code, jump if true, jump if false, operand
_LOAD_BYTE, _LOAD_HALF, _LOAD_WORD = 0x30, 0x28, 0x20  # BPF_LD | BPF_ABS
_EQUAL, _ANY_BIT, _RETURN = 0x15, 0x45, 0x06

# linux/netlink.h, rtnetlink.h and neighbour.h: where things are in a message
_TYPE, _PORT_ID = 4, 12
_FAMILY, _TABLE, _PROTOCOL, _STATE, _NEIGHBOR_FLAGS = 16, 20, 21, 24, 26

_NEWLINK, _DELLINK, _NEWROUTE, _DELROUTE, _NEWNEIGH, _DELNEIGH = 16, 17, 24, 25, 28, 29
_AF_BRIDGE = 7
_RT_TABLE_LOCAL = 255
_RTPROT_KERNEL = 2
_NUD_PERMANENT = 0x80
_NTF_SELF = 0x02  # of a forwarding entry: the device's own, as vxlan's are


def _half(value: int) -> int:
    """BPF loads in network order what netlink writes in the machine's."""
    return int.from_bytes(value.to_bytes(2, sys.byteorder), "big")


# (code, operand, jump if true, jump if false), where a jump names a line; "" is the next one.
_LINES: dict[str, tuple[int, int, str, str]] = {
    "type": (_LOAD_HALF, _TYPE, "", ""),
    "link came": (_EQUAL, _half(_NEWLINK), "link", ""),
    "link went": (_EQUAL, _half(_DELLINK), "link", ""),
    "route came": (_EQUAL, _half(_NEWROUTE), "new route", ""),
    "route went": (_EQUAL, _half(_DELROUTE), "route", ""),
    "neighbor came": (_EQUAL, _half(_NEWNEIGH), "neighbor", ""),
    "neighbor went": (_EQUAL, _half(_DELNEIGH), "went", "pass"),
    "link": (_LOAD_BYTE, _FAMILY, "", ""),
    "bridge port?": (_EQUAL, _AF_BRIDGE, "drop", "pass"),
    "new route": (_LOAD_BYTE, _PROTOCOL, "", ""),
    "the kernel's way?": (_EQUAL, _RTPROT_KERNEL, "drop", ""),
    "route": (_LOAD_BYTE, _TABLE, "", ""),
    "local?": (_EQUAL, _RT_TABLE_LOCAL, "drop", "pass"),
    "neighbor": (_LOAD_BYTE, _FAMILY, "", ""),
    "forwarding came?": (_EQUAL, _AF_BRIDGE, "forwarding", ""),
    "state": (_LOAD_HALF, _STATE, "", ""),
    "permanent?": (_ANY_BIT, _half(_NUD_PERMANENT), "pass", ""),
    "whose": (_LOAD_WORD, _PORT_ID, "", ""),
    "the kernel's?": (_EQUAL, 0, "drop", "pass"),
    "went": (_LOAD_BYTE, _FAMILY, "", ""),
    "forwarding went?": (_EQUAL, _AF_BRIDGE, "forwarding", "pass"),
    "forwarding": (_LOAD_BYTE, _NEIGHBOR_FLAGS, "", ""),
    "the device's own?": (_ANY_BIT, _NTF_SELF, "pass", "drop"),
    "pass": (_RETURN, 0xFFFF_FFFF, "", ""),
    "drop": (_RETURN, 0, "", ""),
}


def _assemble() -> bytes:
    places = {name: place for place, name in enumerate(_LINES)}

    def distance(start: int, to: str) -> int:
        return places[to] - start - 1 if to else 0

    return b"".join(
        _INSTRUCTION.pack(code, distance(place, true), distance(place, false), operand)
        for place, (code, operand, true, false) in enumerate(_LINES.values())
    )


def attach(sock: socket.socket) -> None:
    """Puts the filter on a NETLINK_ROUTE socket (socket(7), SO_ATTACH_FILTER)."""
    program = _assemble()
    buffer = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("HL", len(_LINES), ctypes.addressof(buffer))
    sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, header)
