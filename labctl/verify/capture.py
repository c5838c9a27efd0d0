"""Captures: AF_PACKET sockets inside the namespaces, apart from those that send.

ETH_P_ALL, since ETH_P_IP never sees what leaves. Not promiscuous: verify must see what the
namespace's own stack sees. Each frame comes with the kernel's word on its checksum (PACKET_AUXDATA)
and the interface and direction (sockaddr_ll); a frame that the kernel had to drop for want of room
is counted, and is verify's own failure, never the network's.
"""

import contextlib
import errno
import socket
import struct
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from labctl.net.namespaces import Place, socket_in
from labctl.verify import filters
from labctl.verify.topology import Endpoint

HOST, OTHERHOST, OUTGOING = 0, 3, 4  # sll_pkttype (packet(7)); 1 and 2 are broad- and multicast

_SOL_PACKET = 263
_PACKET_STATISTICS, _PACKET_AUXDATA = 6, 8
_SO_RCVBUFFORCE = 33
_SO_TIMESTAMPNS = 35
_CSUM_NOT_READY = 1 << 3  # TP_STATUS_CSUMNOTREADY: veth leaves checksums to hardware it lacks
_ETH_P_ALL = 0x0003
_FRAME = 65536
_ANCILLARY = socket.CMSG_SPACE(20) + socket.CMSG_SPACE(16)
_STATUS = struct.Struct("I")
_TIME = struct.Struct("qq")
_CLOSERS = 64


class Frame(NamedTuple):
    """A frame as a namespace saw it. `time` is the kernel's, in ns since the epoch, or 0."""

    data: bytes
    interface: str
    direction: int
    is_checksum_ready: bool
    time: int


class Capture:
    """A capture on one interface of a namespace, or on all of them. `place` says whose it is."""

    def __init__(
        self,
        place: Endpoint,
        netns: Place,
        interface: str,
        wanted: filters.Filter,
        *,
        room: int,
    ) -> None:
        """Opens it; `interface` "" means all. Raises OSError (ENODEV) if there is none such.

        `room` is the size in bytes of the queue. The protocol is set last, by bind, so that no
        frame is seen before the filter is there.
        """
        self.place = place
        protocol = 0 if interface else socket.htons(_ETH_P_ALL)  # Python cannot bind to "all"
        self.sock = socket_in(netns, socket.AF_PACKET, socket.SOCK_RAW, protocol)
        try:
            self._prepare(wanted, room)
            if interface:
                self.sock.bind((interface, _ETH_P_ALL))
        except OSError:
            self.sock.close()
            raise

    def _prepare(self, wanted: filters.Filter, room: int) -> None:
        filters.attach(self.sock, wanted)
        self.sock.setblocking(False)
        self.sock.setsockopt(_SOL_PACKET, _PACKET_AUXDATA, 1)
        self.sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, room)

    def keep_time(self) -> None:
        """Frames have times from now on: for whoever has to put them in order."""
        self.sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)

    def watch_for(self, wanted: filters.Filter) -> None:
        """Changes the filter. What is queued still was meant for the old one."""
        filters.attach(self.sock, wanted)

    def frames(self) -> Iterator[Frame]:
        """What is queued, oldest first.

        Raises OSError (ENETDOWN) once when the interface went down or away.
        """
        receive = self.sock.recvmsg
        while True:
            try:
                data, ancillary, _, address = receive(_FRAME, _ANCILLARY)
            except BlockingIOError:
                return
            ready, time = True, 0
            for level, kind, value in ancillary:
                if level == _SOL_PACKET:
                    ready = not _STATUS.unpack_from(value)[0] & _CSUM_NOT_READY
                elif kind == _SO_TIMESTAMPNS:
                    seconds, nanoseconds = _TIME.unpack(value)
                    time = seconds * 1_000_000_000 + nanoseconds
            yield Frame(data, address[0], address[2], ready, time)

    def drops(self) -> int:
        """How many frames found no room since this was last asked."""
        answer = self.sock.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8)
        return int(struct.unpack("II", answer)[1])


def is_gone(error: OSError) -> bool:
    """Whether a capture failed because its interface went down or away."""
    return error.errno in (errno.ENETDOWN, errno.ENODEV)


def close_all(sockets: Iterable[socket.socket]) -> None:
    """Closes packet sockets. Each waits for an RCU grace period, 12 ms; threads share them."""
    waiting = list(sockets)
    if not waiting:
        return
    with ThreadPoolExecutor(min(_CLOSERS, len(waiting))) as closers:
        for done in [closers.submit(sock.close) for sock in waiting]:
            with contextlib.suppress(OSError):
                done.result()
