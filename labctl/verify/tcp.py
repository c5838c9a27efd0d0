"""TCP: a connection per probe, by real sockets: handshake, token there, token back.

The captures watch SYN and SYN-ACK. A SYN is first known by its addresses and ports, as its source
sent it; from then on by its sequence number, which NAT leaves alone.
"""

import contextlib
import socket
import struct
from functools import partial

from labctl.verify.capture import Frame
from labctl.verify.exchange import TOKEN_WORDS, Exchange, segment, sender
from labctl.verify.frames import SOURCE, Reading, is_sound_segment
from labctl.verify.probe import ARRIVES, LEAVES, Message, Probe
from labctl.verify.templates import TCP, TEXT
from labctl.verify.topology import Endpoint

_BACKLOG = 4096
_ABORT = struct.pack("ii", 1, 0)  # SO_LINGER: RST instead of FIN, no TIME_WAIT left behind
_FLOW = slice(SOURCE, SOURCE + 12)  # both addresses and both ports
_PORTS = struct.Struct("!HH")
_MOST = 64  # bytes: more than a token and its text


class TcpExchange(Exchange):
    protocol = "tcp"

    def open(self) -> None:
        self._flows: dict[bytes, Probe] = {}
        self._sequences: dict[int, Probe] = {}
        self._clients: set[socket.socket] = set()
        for endpoint, port in {
            (probe.check.destination, self.marks.port_for(with_node=probe.with_node))
            for probe in self.probes
        }:
            self._listen(endpoint, port)

    def _listen(self, endpoint: Endpoint, port: int) -> None:
        sock = self.keep(self.namespaces.socket(endpoint, socket.SOCK_STREAM))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("", port))
        sock.listen(_BACKLOG)
        self.poller.add(sock, partial(self._accept, sock))

    def launch(self, probe: Probe) -> None:
        source, is_bound = sender(probe)
        sock = self.keep(self.namespaces.socket(source, socket.SOCK_STREAM))
        self._clients.add(sock)
        try:
            if is_bound:
                self.bind(sock, source.ip)
            self._connect(sock, probe)
        except OSError as error:
            self.discard(sock)
            self.refuse(probe, error)
            return
        token = self.marks.words(probe.index, with_node=probe.with_node)
        conversation = _Conversation(self, sock, probe, TOKEN_WORDS.pack(*token) + TEXT)
        self.poller.add_stream(sock, conversation.go_on)

    def _connect(self, sock: socket.socket, probe: Probe) -> None:
        destination, port = probe.check.destination.ip, self._port(probe)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
        with contextlib.suppress(BlockingIOError):
            sock.connect((destination, port))
        own, own_port = sock.getsockname()
        flow = socket.inet_aton(own) + socket.inet_aton(destination) + _PORTS.pack(own_port, port)
        self._flows[flow] = probe

    def abandon(self) -> None:
        for sock in tuple(self._clients):
            self.discard(sock)

    def discard(self, sock: socket.socket) -> None:
        self._clients.discard(sock)
        super().discard(sock)

    def _port(self, probe: Probe) -> int:
        return self.marks.port_for(with_node=probe.with_node)

    def _accept(self, listener: socket.socket) -> None:
        try:
            while True:
                sock, _ = listener.accept()
                sock.setblocking(False)
                self.poller.add_stream(self.keep(sock), partial(self._echo, sock))
        except OSError:  # no more of them, or one that was reset before it was taken
            return

    def _echo(self, sock: socket.socket) -> None:
        """The responder's side: whatever comes goes back, and the connection is closed."""
        try:
            sock.send(sock.recv(_MOST))
        except BlockingIOError:
            return
        except OSError:
            pass
        self.discard(sock)

    def find(self, reading: Reading, data: bytes) -> Probe | None:
        probe = self._sequences.get(reading.key)
        if probe is None and reading.message is Message.REQUEST:
            probe = self._flows.get(data[_FLOW])
            if probe:
                self._sequences[reading.key] = probe
        return probe

    def is_intact(self, probe: Probe, moment: int, frame: Frame) -> bool:
        got = segment(frame)
        source, destination = _PORTS.unpack_from(got)
        ours = destination if moment in (LEAVES, ARRIVES) else source
        if frame.is_checksum_ready and not is_sound_segment(frame.data, TCP):
            return False
        return bool(ours == self._port(probe))


class _Conversation:
    """The source's side of a connection: the token goes out, and has to come back."""

    def __init__(
        self, exchange: TcpExchange, sock: socket.socket, probe: Probe, token: bytes
    ) -> None:
        self._exchange = exchange
        self._sock = sock
        self._probe = probe
        self._token = token
        self._is_sent = False

    def go_on(self) -> None:
        try:
            if not self._is_sent:
                self._sock.send(self._token)
                self._is_sent = True
            answer = self._sock.recv(_MOST)
        except BlockingIOError:
            return
        except OSError as error:
            self._exchange.refuse(self._probe, error)
        else:
            if answer == self._token:
                self._exchange.delivered(self._probe.index)
        self._exchange.discard(self._sock)
