"""ICMP echo: raw sockets in the sources, and the destinations' kernels answer."""

import socket
import struct
from functools import partial

from labctl.verify import filters
from labctl.verify.capture import Frame
from labctl.verify.exchange import TOKEN_WORDS, Exchange, Sender, segment, sender, sent_or_answered
from labctl.verify.probe import Probe
from labctl.verify.templates import HEADERS, IP_HEADER, SIZE, is_sound, template

_SOL_RAW, _ICMP_FILTER = 255, 1
_ONLY_REPLIES = struct.pack("I", 0xFFFF_FFFF ^ 1)  # a set bit blocks a type; echo reply is 0
_TOKEN = IP_HEADER + HEADERS["icmp"]  # a raw socket gives the IP header too


class IcmpExchange(Exchange):
    protocol = "icmp"

    def open(self) -> None:
        self._socks: dict[Sender, socket.socket] = {}
        for source, is_bound in self.senders():
            sock = self.roomy(source, socket.SOCK_RAW, socket.IPPROTO_ICMP)
            sock.setsockopt(_SOL_RAW, _ICMP_FILTER, _ONLY_REPLIES)
            filters.attach(sock, ((filters.Match(_TOKEN, 4, self.marks.run, 0xFFFF_FF00),),))
            if is_bound:
                self.bind(sock, source.ip)
            self.poller.add(sock, partial(self._receive, sock))
            self._socks[source, is_bound] = sock

    def launch(self, probe: Probe) -> None:
        echo = self.marks.ident(probe.index) << 16 | probe.index & 0xFFFF
        token = self.marks.words(probe.index, with_node=probe.with_node)
        probe.request = template("icmp").fill(0, echo, *token)
        probe.reply = template("icmp", reply=True).fill(0, echo, *token)
        probe.sent_size = IP_HEADER + HEADERS["icmp"] + SIZE
        try:
            self._socks[sender(probe)].sendto(probe.request, (probe.check.destination.ip, 0))
        except OSError as error:
            self.refuse(probe, error)

    def _receive(self, sock: socket.socket) -> None:
        """What the source's stack hands over has passed its own filters and checks."""
        try:
            while True:
                data = sock.recv(2048)
                _, index = TOKEN_WORDS.unpack_from(data, _TOKEN)
                self.delivered(index)
        except BlockingIOError:
            return

    def is_intact(self, probe: Probe, moment: int, frame: Frame) -> bool:
        """The very bytes; where egress may rewrite the id, its payload, and a sound checksum."""
        got, expected = segment(frame), sent_or_answered(probe, moment)
        if not probe.is_translated_at(moment):
            return got == expected
        return got[:2] == expected[:2] and got[8:] == expected[8:] and is_sound(got)
