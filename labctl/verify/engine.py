"""Carries probes out: sends them in windows, and compares what captures and sockets see.

One thread, one epoll. Where a network is sound, the kernel has carried a packet there and its
answer back before sendto returns, so a pass is as fast as packets can be made and read.
"""

import errno
import os
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial

from labctl.errors import LabError
from labctl.verify import frames, marks, neighbours
from labctl.verify.capture import HOST, Capture, Frame, is_gone
from labctl.verify.exchange import Exchange
from labctl.verify.icmp import IcmpExchange
from labctl.verify.marks import Marks
from labctl.verify.namespaces import Namespaces
from labctl.verify.poller import Poller
from labctl.verify.probe import ARRIVES, LEAVES, MOMENTS, Message, Probe, Sighting, Tunnel
from labctl.verify.tcp import TcpExchange
from labctl.verify.topology import Kind
from labctl.verify.udp import UdpExchange
from labctl.verify.watch import Watch
from labctl.verify.whole import WholeExchange

WINDOW = 256  # probes between two looks at what came
OUTSTANDING = 1024  # probes without an answer, before more are sent
_DRAWS = 20  # attempts to find ports that are free everywhere
_KEPT = 160  # bytes of a packet that a sighting keeps
_EXCHANGES = {"icmp": IcmpExchange, "udp": UdpExchange, "tcp": TcpExchange}

Observer = Callable[[Probe, Capture, Frame], None]


class Engine:
    """Carries out passes over the same captures."""

    def __init__(
        self,
        namespaces: Namespaces,
        watch: Watch,
        poller: Poller,
        budget: neighbours.Budget,
        observer: Observer | None = None,
    ) -> None:
        """`observer` is shown every frame that belongs to a probe (packet files want them)."""
        self._namespaces = namespaces
        self._watch = watch
        self._poller = poller
        self._budget = budget
        self._observer = observer

    def carry_out(
        self, groups: Sequence[Sequence[Probe]], patience: float, *, trace: bool = False
    ) -> None:
        """Sends the probes of all groups; those of a group are of one protocol and kind of size.

        Returns when all are answered, or nothing more was seen for `patience` seconds. With `trace`
        every frame is kept as a sighting of its probe. Raises LabError if captures lost frames.
        """
        with ExitStack() as stack:
            passes = [self._open(stack, probes, trace=trace) for probes in groups]
            if trace:
                self._watch.trace()
            self._watch.watch_for([one.marks for one in passes])
            for capture in tuple(self._watch.captures):
                self._poller.add(capture.sock, partial(self._read, passes, capture))
                stack.callback(self._poller.remove, capture.sock)
            for one in passes:
                self._send(one, passes, patience)
            self._wait(passes, patience)
            self._drain(passes)
            self._check_drops(passes)

    def _open(self, stack: ExitStack, probes: Sequence[Probe], *, trace: bool) -> "_Pass":
        """A pass with its sockets open, on ports that are free in every namespace."""
        check = probes[0].check
        kind = WholeExchange if check.excess is not None else _EXCHANGES[check.protocol]
        for _ in range(_DRAWS):
            drawn = marks.draw()
            exchange = kind(probes, drawn, self._namespaces, self._poller)
            with ExitStack() as attempt:
                attempt.callback(exchange.close)
                try:
                    exchange.open()
                except OSError as error:
                    if error.errno != errno.EADDRINUSE:
                        raise
                    continue
                stack.push(attempt.pop_all())
            return _Pass(exchange, drawn, self._observer, is_tracing=trace)
        raise LabError("verify finds no port that is free in every pod and node")

    def _send(self, run: "_Pass", passes: Sequence["_Pass"], patience: float) -> None:
        exchange, probes = run.exchange, run.exchange.probes
        given_up = 0
        for start in range(0, len(probes), WINDOW):
            window = probes[start : start + WINDOW]
            for probe in window:
                self._launch(exchange, probe)
            self._drain(passes)
            self._budget.release(window)
            unsent = len(probes) - start - len(window)
            if exchange.remaining - unsent - given_up > OUTSTANDING:
                self._wait([run], patience, until=unsent + given_up)
                exchange.abandon()
                given_up = exchange.remaining - unsent

    def _launch(self, exchange: Exchange, probe: Probe) -> None:
        if all(end in self._namespaces for end in probe.places[:2]):
            exchange.launch(probe)
        else:
            exchange.refuse(probe, OSError(errno.ENETDOWN, os.strerror(errno.ENETDOWN)))

    def _drain(self, passes: Sequence["_Pass"]) -> None:
        """All that is ready now."""
        while self._poller.turn():
            pass
        for run in passes:
            run.retry_unknown()

    def _wait(self, passes: Sequence["_Pass"], patience: float, until: int = 0) -> None:
        """Until `until` probes remain, or nothing was seen for `patience` seconds."""
        exchanges = [run.exchange for run in passes]
        seen, deadline = -1, 0.0
        while sum(one.remaining for one in exchanges) > until:
            if (events := sum(one.events for one in exchanges)) != seen:
                seen, deadline = events, time.monotonic() + patience
            if (left := deadline - time.monotonic()) <= 0:
                return
            self._poller.turn(left)
            for run in passes:
                run.retry_unknown()

    def _read(self, passes: Sequence["_Pass"], capture: Capture) -> None:
        try:
            for frame in capture.frames():
                for run in passes:
                    run.take(capture, frame)
        except OSError as error:
            if not is_gone(error):
                raise
            self._lose(capture)

    def _lose(self, capture: Capture) -> None:
        """An interface went down or away: so did, likely, its sandbox, and nothing may keep that."""
        self._poller.remove(capture.sock)
        if capture.place.kind is Kind.POD:
            self._watch.remove(capture)
            self._namespaces.give_up(capture.place)

    def _check_drops(self, passes: Sequence["_Pass"]) -> None:
        """What is lost at first is sent again; in a second pass there is no way to know."""
        drops = self._watch.drops()
        if drops and any(run.exchange.remaining and run.is_tracing for run in passes):
            raise LabError(
                f"verify itself lost {drops} captured frames for want of room: no verdict",
                "verify fewer claims or protocols at once",
            )


class _Pass:
    """The frames of one pass, compared with what its probes expect."""

    def __init__(
        self, exchange: Exchange, pass_marks: Marks, observer: Observer | None, *, is_tracing: bool
    ) -> None:
        self.exchange = exchange
        self.is_tracing = is_tracing
        self.marks = pass_marks
        self._observer = observer
        self._unknown: list[tuple[Capture, Frame]] = []

    def take(self, capture: Capture, frame: Frame) -> None:
        data, tunnel = frame.data, None
        if self.is_tracing:
            data, tunnel = frames.unwrap(data)
        reading = frames.read(data, self.marks)
        if reading is None:
            return
        probe = self.exchange.find(reading, data)
        if probe is None:
            self._unknown.append((capture, frame))
            return
        if self._observer:
            self._observer(probe, capture, frame)
        if self.is_tracing:
            probe.trace.append(_sighting(capture, frame, data, reading.message, tunnel))
            if reading.message is Message.ERROR and probe.check.excess is not None:
                self.exchange.settle(probe)  # refused aloud: that is a verdict
        if tunnel is None:
            self._compare(probe, capture, frame, reading.message)

    def _compare(self, probe: Probe, capture: Capture, frame: Frame, message: Message) -> None:
        moment = MOMENTS.get((message, frame.direction))
        if moment is None or not probe.needs >> moment & 1:
            return
        place, data = capture.place, frame.data
        if probe.places[moment] is not place:
            if moment == ARRIVES and place.kind in (Kind.POD, Kind.OUTSIDE):
                self._note_odd(probe, _sighting(capture, frame, data, message, None))
            return
        is_intact = self.exchange.is_intact(probe, moment, frame)
        if is_intact and probe.expects(moment, data):
            if moment == LEAVES and not probe.sent_size:
                probe.sent_size = frames.size(data)
            elif moment == ARRIVES:
                probe.arrived_ttl = data[frames.TTL]
            self.exchange.mark(probe, moment)
        else:
            odd = _sighting(capture, frame, data, message, None)
            self._note_odd(probe, odd._replace(is_damaged=not is_intact))

    def _note_odd(self, probe: Probe, odd: Sighting) -> None:
        """Where it is seen to be wrong at its end, the verdict is clear; else the trail goes on."""
        probe.odd.append(odd)
        if odd.direction == HOST:
            self.exchange.settle(probe)

    def retry_unknown(self) -> None:
        """A SYN that was translated is known only once its source's own was read."""
        waiting, self._unknown = self._unknown, []
        for capture, frame in waiting:
            self.take(capture, frame)


def _sighting(
    capture: Capture, frame: Frame, data: bytes, message: Message, tunnel: Tunnel | None
) -> Sighting:
    kind, code, mtu = frames.error(data) if message is Message.ERROR else (0, 0, 0)
    return Sighting(
        capture.place,
        frame.interface,
        frame.direction,
        message,
        frames.header(data),
        frames.size(data),
        frame.data[:_KEPT],
        frame.time,
        tunnel,
        next_mtu=mtu,
        icmp=(kind, code),
    )
