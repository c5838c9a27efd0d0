"""UDP: a socket per source, and a responder per destination that verify opens for the pass."""

import socket
from functools import partial

from labctl.verify.capture import Frame
from labctl.verify.exchange import TOKEN_WORDS, Exchange, Sender, segment, sender, sent_or_answered
from labctl.verify.frames import is_sound_segment
from labctl.verify.probe import Probe
from labctl.verify.templates import HEADERS, IP_HEADER, SIZE, UDP, template
from labctl.verify.topology import Endpoint, Kind


class UdpExchange(Exchange):
    protocol = "udp"

    def open(self) -> None:
        self._socks: dict[Sender, tuple[socket.socket, int]] = {}
        for endpoint, port in {
            (probe.check.destination, self.marks.port_for(with_node=probe.with_node))
            for probe in self.probes
        }:
            self._open_responder(endpoint, port)
        for source, is_bound in self.senders():
            sock = self.roomy(source, socket.SOCK_DGRAM)
            self.bind(sock, source.ip if is_bound else "")
            self.poller.add(sock, partial(self._receive, sock))
            self._socks[source, is_bound] = sock, sock.getsockname()[1]

    def _open_responder(self, endpoint: Endpoint, port: int) -> None:
        """Bound to nodes' and outside's own address: UDP answers from whatever a route prefers."""
        sock = self.roomy(endpoint, socket.SOCK_DGRAM)
        self.bind(sock, "" if endpoint.kind is Kind.POD else endpoint.ip, port)
        self.poller.add(sock, partial(_respond, sock))

    def launch(self, probe: Probe) -> None:
        sock, port = self._socks[sender(probe)]
        to = self.marks.port_for(with_node=probe.with_node)
        token = self.marks.words(probe.index, with_node=probe.with_node)
        probe.request = template("udp").fill(probe.addresses, port << 16 | to, *token)
        probe.reply = template("udp").fill(probe.addresses, to << 16 | port, *token)
        probe.sent_size = IP_HEADER + HEADERS["udp"] + SIZE
        try:
            sock.sendto(probe.request[HEADERS["udp"] :], (probe.check.destination.ip, to))
        except OSError as error:
            self.refuse(probe, error)

    def _receive(self, sock: socket.socket) -> None:
        try:
            while True:
                self.delivered(TOKEN_WORDS.unpack_from(sock.recv(2048))[1])
        except BlockingIOError:
            return

    def is_intact(self, probe: Probe, moment: int, frame: Frame) -> bool:
        """All but a checksum that is not filled in yet; egress may rewrite the source's port."""
        got, expected = segment(frame), sent_or_answered(probe, moment)
        if frame.is_checksum_ready and not is_sound_segment(frame.data, UDP):
            return False
        ports = slice(0, 4)
        if probe.is_translated_at(moment):
            ports = slice(2, 4) if expected is probe.request else slice(0, 2)
        return got[ports] == expected[ports] and got[8:] == expected[8:]


def _respond(sock: socket.socket) -> None:
    """Whoever got a request answers it: who that is, captures tell."""
    try:
        while True:
            data, peer = sock.recvfrom(2048)
            sock.sendto(data, peer)
    except OSError:  # nothing more to read, or no way back: the captures will show which
        return
