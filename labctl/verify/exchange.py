"""One pass of one protocol: sockets in the namespaces, probes going out, frames compared.

A subclass per protocol says how a probe is sent and when its answer counts as delivered. What it
shares with the others is here: the ledger of what was seen, and who sends for whom.
"""

import errno
import socket
import struct
from collections.abc import Sequence

from labctl.verify import oracle
from labctl.verify.capture import Frame
from labctl.verify.frames import TRANSPORT, Reading
from labctl.verify.marks import Marks
from labctl.verify.namespaces import Namespaces
from labctl.verify.poller import Poller
from labctl.verify.probe import ARRIVES, DELIVERED, LEAVES, Probe, Refusal
from labctl.verify.topology import Endpoint, Kind

TOKEN_WORDS = struct.Struct("!II")
_ROOM = 8 << 20  # bytes of a socket's queue: all answers to one source at once
_SO_RCVBUFFORCE = 33

Sender = tuple[Endpoint, bool]


class Exchange:
    """The sockets of a pass; to be closed by whoever opened it."""

    protocol = ""

    def __init__(
        self, probes: Sequence[Probe], marks: Marks, namespaces: Namespaces, poller: Poller
    ) -> None:
        self.probes = probes
        self.marks = marks
        self.namespaces = namespaces
        self.poller = poller
        self.remaining = len(probes)  # probes of which there is more to wait for
        self.events = 0  # grows with all that is new: whoever waits, waits for silence
        self._open: set[socket.socket] = set()

    def close(self) -> None:
        for sock in tuple(self._open):
            self.discard(sock)

    def open(self) -> None:
        """Opens what is needed before the first probe; OSError (EADDRINUSE) if a port is taken."""
        raise NotImplementedError

    def launch(self, probe: Probe) -> None:
        """Sends a probe through its source's own stack."""
        raise NotImplementedError

    def abandon(self) -> None:
        """Lets go of probes that had their time; what is still seen of them counts."""

    def is_intact(self, probe: Probe, moment: int, frame: Frame) -> bool:
        """Whether ports, payload and checksum are as they were sent; addresses are not asked."""
        raise NotImplementedError

    def find(self, reading: Reading, data: bytes) -> Probe | None:  # noqa: ARG002 - TCP needs it
        """The probe that a frame belongs to."""
        return self.probes[reading.key] if reading.key < len(self.probes) else None

    def mark(self, probe: Probe, moment: int) -> None:
        """Notes that a moment of the probe was seen as it should be."""
        if probe.seen >> moment & 1:
            return  # sent again by TCP, or seen at a second interface
        self.events += 1
        probe.seen |= 1 << moment
        if probe.is_complete:
            self.settle(probe)

    def settle(self, probe: Probe) -> None:
        """Nothing more has to be waited for: it is complete, refused, or seen to be wrong."""
        if not probe.is_settled:
            probe.is_settled = True
            self.remaining -= 1

    def refuse(self, probe: Probe, error: OSError, mtu: int = 0) -> None:
        """Notes that the source's own stack would not have it, or gave it up."""
        if not probe.is_complete:
            probe.refusal = Refusal(error.errno or 0, mtu)
            self.settle(probe)

    def delivered(self, index: int) -> None:
        if index < len(self.probes):
            self.mark(self.probes[index], DELIVERED)

    def keep(self, sock: socket.socket) -> socket.socket:
        """The socket is closed with the exchange, or earlier by `discard`."""
        self._open.add(sock)
        return sock

    def discard(self, sock: socket.socket) -> None:
        self._open.discard(sock)
        self.poller.remove(sock)
        sock.close()

    def roomy(self, endpoint: Endpoint, kind: int, protocol: int = 0) -> socket.socket:
        """A socket in the endpoint's namespace that loses nothing for want of room."""
        sock = self.keep(self.namespaces.socket(endpoint, kind, protocol))
        sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _ROOM)
        return sock

    def bind(self, sock: socket.socket, address: str, port: int = 0) -> None:
        """Binds to an address; if the namespace lacks it, to any: the captures will tell."""
        try:
            sock.bind((address, port))
        except OSError as error:
            if error.errno != errno.EADDRNOTAVAIL:
                raise
            sock.bind(("", port))

    def senders(self) -> set[Sender]:
        return {sender(probe) for probe in self.probes}


def sender(probe: Probe) -> Sender:
    """Who sends, and whether the socket has to be bound to the source's address.

    A node's traffic to its own pods leaves by the bridge, whose address Linux prefers as source
    (the connected route's). It is the node's too; but the claim speaks of the InternalIP. To pods of
    other nodes the kernel chooses by itself: that choice is part of what is proved.
    """
    is_node = probe.check.source.kind is Kind.NODE
    return probe.check.source, is_node and probe.expectation.path == oracle.SAME_NODE


def segment(frame: Frame) -> bytes:
    """The transport header and payload of a frame."""
    return frame.data[TRANSPORT:]


def sent_or_answered(probe: Probe, moment: int) -> bytes:
    """The transport bytes that a moment should show."""
    return probe.request if moment in (LEAVES, ARRIVES) else probe.reply
