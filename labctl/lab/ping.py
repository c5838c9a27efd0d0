"""A real ping between two places of a lab: ICMP echo on a raw socket inside the source's namespace.

The packets take the source's own routes and neighbours, as those of a ping program there would,
but no program has to be in the pod and none is started.
"""

import contextlib
import os
import secrets
import select
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import fmean

from labctl.api.objects import Obj
from labctl.errors import BadInput, LabError, NetError
from labctl.lab import icmp
from labctl.lab.places import Place
from labctl.net.namespaces import socket_in

_PAYLOAD = bytes(range(56))  # as ping(8): 64 bytes of ICMP


@dataclass(frozen=True)
class Reply:
    """One answer, or the error that came instead of it."""

    sequence: int
    milliseconds: float
    source: str
    ttl: int
    size: int
    error: str = ""

    def line(self) -> str:
        """As ping(8) prints it."""
        if self.error:
            return f"From {self.source} icmp_seq={self.sequence} {self.error}"
        took = f"time={self.milliseconds:.3f} ms"
        return (
            f"{self.size} bytes from {self.source}: icmp_seq={self.sequence} ttl={self.ttl} {took}"
        )

    def report(self) -> Obj:
        members: Obj = {"sequence": self.sequence, "from": self.source, "ttl": self.ttl}
        if self.error:
            return {**members, "error": self.error}
        return {**members, "milliseconds": round(self.milliseconds, 3)}


@dataclass
class Outcome:
    """What became of all requests."""

    source: Place
    destination: Place
    transmitted: int = 0
    replies: list[Reply] = field(default_factory=list)

    @property
    def answered(self) -> list[Reply]:
        return [reply for reply in self.replies if not reply.error]

    @property
    def lost(self) -> int:
        return self.transmitted - len(self.answered)

    @property
    def loss_percent(self) -> float:
        return 100.0 * self.lost / self.transmitted if self.transmitted else 0.0

    def summary(self) -> str:
        """The last lines, as ping(8) prints them."""
        counts = f"{self.transmitted} packets transmitted, {len(self.answered)} received"
        text = f"{counts}, {self.loss_percent:g}% packet loss"
        times = [reply.milliseconds for reply in self.answered]
        if times:
            text += f"\nrtt min/avg/max = {min(times):.3f}/{fmean(times):.3f}/{max(times):.3f} ms"
        return text

    def report(self, lab: str) -> Obj:
        """The PingReport."""
        times = [reply.milliseconds for reply in self.answered]
        measured = {"min": min(times), "avg": fmean(times), "max": max(times)} if times else {}
        return {
            "apiVersion": "labctl.io/v1alpha1",
            "kind": "PingReport",
            "lab": lab,
            "source": self.source.report(),
            "destination": self.destination.report(),
            "transmitted": self.transmitted,
            "received": len(self.answered),
            "lossPercent": round(self.loss_percent, 2),
            "passed": self.lost == 0,
            "milliseconds": {key: round(value, 3) for key, value in measured.items()},
            "replies": [reply.report() for reply in self.replies],
        }


def check_source(source: Place) -> None:
    """BadInput when nothing can be sent from there: an address has no namespace."""
    if not source.netns:
        raise BadInput(f"cannot ping from {source.name}", "from a pod, node/NAME or outside")


def ping(
    source: Place,
    destination: Place,
    *,
    count: int = 3,
    interval: float = 0.2,
    patience: float = 1.0,
    told: Callable[[Reply], None] = lambda _reply: None,
) -> Outcome:
    """Sends `count` requests, `interval` seconds apart, and waits `patience` for the last answer.

    `told` hears of every answer as it comes. Ctrl-C ends it, as it does ping(8): what came until
    then is returned. BadInput when the source is only an address.
    """
    check_source(source)
    try:
        sock = socket_in(source.path, socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    except NetError as error:
        raise LabError(f"{source.title} has no network namespace: {error.message}") from error
    with sock:
        sock.setblocking(False)
        run = _Run(sock, source, destination, told)
        with contextlib.suppress(KeyboardInterrupt):
            run.run(count, interval, patience)
        return run.outcome


class _Run:
    """One run of ping: the requests that are out, and what came for them."""

    def __init__(
        self, sock: socket.socket, source: Place, destination: Place, told: Callable[[Reply], None]
    ) -> None:
        self._socket = sock
        self._told = told
        self._identifier = secrets.randbelow(0xFFFF) + 1
        self._sent: dict[int, float] = {}
        self.outcome = Outcome(source, destination)

    def run(self, count: int, interval: float, patience: float) -> None:
        started = time.perf_counter()
        for sequence in range(1, count + 1):
            self._send(sequence)
            last = sequence == count
            until = patience if last else started + interval * sequence - time.perf_counter()
            self._receive(time.perf_counter() + until, until_all=last)

    def _send(self, sequence: int) -> None:
        self.outcome.transmitted += 1
        packet = icmp.echo_request(self._identifier, sequence & 0xFFFF, _PAYLOAD)
        self._sent[sequence] = time.perf_counter()
        try:
            self._socket.sendto(packet, (self.outcome.destination.ip, 0))
        except OSError as error:
            own = self.outcome.source.ip
            self._take(Reply(sequence, 0.0, own, 0, 0, os.strerror(error.errno or 0)))

    def _receive(self, deadline: float, *, until_all: bool) -> None:
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        while not (until_all and not self._sent):
            left = deadline - time.perf_counter()
            if left <= 0 or not poll.poll(left * 1000):
                return
            self._read(self._socket.recv(1 << 16))

    def _read(self, packet: bytes) -> None:
        answer = icmp.read_answer(packet, self._identifier)
        if answer is None or answer.sequence not in self._sent:
            return
        took = (time.perf_counter() - self._sent[answer.sequence]) * 1000
        self._take(
            Reply(answer.sequence, took, answer.source, answer.ttl, answer.size, answer.error)
        )

    def _take(self, reply: Reply) -> None:
        del self._sent[reply.sequence]
        self.outcome.replies.append(reply)
        self._told(reply)
