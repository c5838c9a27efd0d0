"""What is taken away in the namespaces behind this one's links: pods, as seen from their node.

One socket hears of all namespaces to which a link leads (NETLINK_LISTEN_ALL_NSID), and keeps none of
them alive. A filter in the kernel lets through what tells of a loss: so a pod that comes costs nothing
here, and one that goes is not heard at all, since its namespace loses its number first.
"""

import ctypes
import errno
import socket
import struct
import sys
from typing import Self

from labctl.net.monitor import Subscription, event_socket

_SOL_NETLINK = 270
_LISTEN_ALL_NSID = 8
_SO_ATTACH_FILTER = 26
_GROUPS = (1, 5, 7)  # RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV4_ROUTE

_RTM_NEWLINK, _RTM_DELADDR, _RTM_DELROUTE = 16, 21, 25
_TYPE_OFFSET = 4  # of nlmsg_type in struct nlmsghdr
_FLAGS_OFFSET = 24 if sys.byteorder == "little" else 27  # of the low byte of ifi_flags
_IFF_UP = 1

_LOAD_HALF, _LOAD_BYTE = 0x28, 0x30  # BPF_LD | BPF_H | BPF_ABS, and BPF_B
_JUMP_EQUAL, _JUMP_SET = 0x15, 0x45  # BPF_JMP | BPF_JEQ | BPF_K, and BPF_JSET
_RETURN = 0x06  # BPF_RET | BPF_K
_INSTRUCTION = struct.Struct("=HBBI")  # struct sock_filter: code, true, false, k
_PROGRAM = struct.Struct("@HP")  # struct sock_fprog
_CONTROL = 64  # bytes: a number of a namespace with its header, and room
_LONGEST = 1 << 16


class FarSide(Subscription):
    """Tells that an address or a route went, or that a link is down, not where."""

    def __init__(self, sock: socket.socket) -> None:
        _attach_filter(sock)
        sock.setsockopt(_SOL_NETLINK, _LISTEN_ALL_NSID, 1)
        super().__init__(sock, _GROUPS)

    @classmethod
    def here(cls) -> Self:
        """What lies behind the links of the namespace in which the caller is."""
        return cls(event_socket(socket.NETLINK_ROUTE))

    def lost(self) -> bool:
        """Whether anything was taken away since the last call; never blocks."""
        found = False
        while True:
            try:
                _, origin, _, _ = self._socket.recvmsg(_LONGEST, _CONTROL)
            except BlockingIOError:
                return found
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                found = True
            else:
                found = found or bool(origin)  # what happens here comes without a number


def _attach_filter(sock: socket.socket) -> None:
    """Only deletions of addresses and routes, and links that are not up: classic BPF."""
    kinds = [socket.htons(one) for one in (_RTM_DELADDR, _RTM_DELROUTE, _RTM_NEWLINK)]
    code = b"".join(
        _INSTRUCTION.pack(*one)
        for one in (
            (_LOAD_HALF, 0, 0, _TYPE_OFFSET),
            (_JUMP_EQUAL, 4, 0, kinds[0]),
            (_JUMP_EQUAL, 3, 0, kinds[1]),
            (_JUMP_EQUAL, 0, 3, kinds[2]),
            (_LOAD_BYTE, 0, 0, _FLAGS_OFFSET),
            (_JUMP_SET, 1, 0, _IFF_UP),
            (_RETURN, 0, 0, _LONGEST),
            (_RETURN, 0, 0, 0),
        )
    )
    buffer = ctypes.create_string_buffer(code, len(code))
    program = _PROGRAM.pack(len(code) // _INSTRUCTION.size, ctypes.addressof(buffer))
    sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)
