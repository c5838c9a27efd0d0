"""The `mtu` claim: packets of exactly the sending interface's MTU, and of one byte more, with DF.

They go through raw sockets of the source's own stack, which routes them and makes the IP header.
IP_PMTUDISC_PROBE sets DF and ignores what the stack remembers of paths (RFC 4821 needs the same):
a path MTU that was learned ten minutes ago must neither hide a wound nor outlive its mend.
"""

import errno
import socket
from functools import lru_cache

from labctl.verify import interface
from labctl.verify.capture import Frame
from labctl.verify.exchange import Exchange, segment, sent_or_answered
from labctl.verify.frames import Reading
from labctl.verify.probe import Probe
from labctl.verify.templates import HEADERS, IP_HEADER, NUMBERS, template
from labctl.verify.topology import Endpoint

POD_INTERFACE = "eth0"
_IP_MTU_DISCOVER, _IP_PMTUDISC_PROBE = 10, 3
_SMALLEST = 576  # what every host must take (RFC 791): no interface of a pod has less
_CHECKSUM = {"icmp": slice(2, 4), "udp": slice(6, 8), "tcp": slice(16, 18)}
_PORTS = {"icmp": slice(4, 6), "udp": slice(0, 2), "tcp": slice(0, 2)}  # what egress may rewrite
_WORD = 0xFFFF_FFFF


class WholeExchange(Exchange):
    """One protocol's packets of a size. Each crosses once; its answer is the other pair's matter."""

    def open(self) -> None:
        self.protocol = self.probes[0].check.protocol
        number = NUMBERS[self.protocol]
        self._socks: dict[Endpoint, socket.socket] = {}
        for source in {probe.check.source for probe in self.probes}:
            sock = self.keep(self.namespaces.socket(source, socket.SOCK_RAW, number))
            sock.setsockopt(socket.IPPROTO_IP, _IP_MTU_DISCOVER, _IP_PMTUDISC_PROBE)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 0)  # captures do the listening
            self._socks[source] = sock
        self._mtu = lru_cache(maxsize=None)(self._ask_mtu)

    def _ask_mtu(self, source: Endpoint) -> int:
        return interface.mtu(self.namespaces.question(source), POD_INTERFACE)

    def launch(self, probe: Probe) -> None:
        source, destination = probe.check.source, probe.check.destination
        mtu = 0
        try:
            mtu = max(self._mtu(source), _SMALLEST)
            probe.sent_size = mtu + (probe.check.excess or 0)
            probe.request = self._build(probe)
            self._socks[source].sendto(probe.request, (destination.ip, 0))
        except OSError as error:
            self.refuse(probe, error, mtu if error.errno == errno.EMSGSIZE else 0)

    def _build(self, probe: Probe) -> bytes:
        payload = probe.sent_size - IP_HEADER - HEADERS[self.protocol]
        blank = template(self.protocol, payload=payload)
        token = self.marks.words(probe.index, with_node=probe.with_node)
        ports = self._ports(probe)
        if self.protocol == "icmp":
            echo = self.marks.ident(probe.index) << 16 | probe.index & 0xFFFF
            return blank.fill(0, echo, *token)
        if self.protocol == "udp":
            return blank.fill(probe.addresses, ports, *token)
        sequence = (self.marks.sequence + probe.index) & _WORD
        return blank.fill(probe.addresses, ports, sequence, *token)

    def _ports(self, probe: Probe) -> int:
        """To a port on which nobody listens, and nobody has to."""
        to = self.marks.port_for(with_node=probe.with_node)
        return self.marks.source_port(probe.index) << 16 | to

    def find(self, reading: Reading, data: bytes) -> Probe | None:
        if self.protocol != "tcp":
            return super().find(reading, data)
        index = (reading.key - self.marks.sequence) & _WORD
        return super().find(reading._replace(key=index), data)

    def is_intact(self, probe: Probe, moment: int, frame: Frame) -> bool:
        """The very bytes that were sent, but for what egress rewrites."""
        got, expected = bytearray(segment(frame)), bytearray(sent_or_answered(probe, moment))
        if probe.is_translated_at(moment):
            for place in (_PORTS[self.protocol], _CHECKSUM[self.protocol]):
                got[place] = expected[place] = b"\0\0"
        return got == expected
