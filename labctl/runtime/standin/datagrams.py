"""UDP on a stand-in: each datagram is answered with the JSON line, from the address it was sent to.

A socket on 0.0.0.0 would otherwise answer from whatever address the route back prefers, which on a
node's own network (hostNetwork) is another one: so IP_PKTINFO, in and out (ip(7)).
"""

import asyncio
import socket
import struct
from collections.abc import Callable

from labctl.runtime.standin.answer import Address, Answer

_IP_PKTINFO = 8  # linux/in.h; the socket module has no name for it before Python 3.12
_PKTINFO = struct.Struct("=i4s4s")  # interface, address to answer from, address it was sent to
_BURST = 64  # datagrams taken before others get their turn


class Datagrams:
    def __init__(self, bound: socket.socket, answer: Callable[[Address], Answer]) -> None:
        self._socket = bound
        self._answer = answer
        bound.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(bound, self._receive)

    def close(self) -> None:
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def _receive(self) -> None:
        for _ in range(_BURST):
            try:
                data, ancillary, _, client = self._socket.recvmsg(65536, 64)
            except BlockingIOError:
                return
            except OSError:
                continue  # an ICMP error for an earlier answer
            answer = self._answer(client)
            answer.log(f"{len(data)} bytes")
            self._send(answer.line(), ancillary, client)

    def _send(self, line: bytes, ancillary: list[tuple[int, int, bytes]], client: Address) -> None:
        source = [
            (level, kind, _PKTINFO.pack(0, _PKTINFO.unpack(data)[1], bytes(4)))
            for level, kind, data in ancillary
            if kind == _IP_PKTINFO
        ]
        try:
            self._socket.sendmsg([line], source, 0, client)
        except OSError:
            return  # a datagram may be lost
