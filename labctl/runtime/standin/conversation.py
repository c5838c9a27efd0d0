"""Finding out by its first bytes which protocol a TCP client speaks, and answering in it.

PRI * HTTP/2.0 …        HTTP/2 with prior knowledge: gRPC, in practice
METHOD TARGET HTTP/1.x  HTTP/1
anything else           each piece received is answered with the JSON line
nothing for a while     a client that waits for the server to speak gets the line, too
"""

import re
from typing import Protocol

from labctl.runtime.standin.answer import Answer
from labctl.runtime.standin.http1 import Http1
from labctl.runtime.standin.http2 import PREFACE, Http2

_REQUEST_LINE = re.compile(rb"[A-Z]{1,20} [^ \r\n]+ HTTP/1\.[01]\r?\n")
_MAYBE_REQUEST = re.compile(
    rb"[A-Z]{1,20}( [^ \r\n]{0,8192}( H?(T?(T?(P?(/?(1?(\.?([01]\r?)?)))))))?)?"
)


class Conversation(Protocol):
    """One side of a connection as bytes: no sockets, no clock."""

    @property
    def closing(self) -> bool:
        """Whether, after what was returned is sent, there is no more to say."""

    def received(self, data: bytes) -> bytes:
        """What to send for `data`, perhaps nothing yet."""


class Lines:
    """Whatever comes is answered with the line."""

    closing = False

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    def received(self, data: bytes) -> bytes:
        self._answer.log(f"{len(data)} bytes")
        return self._answer.line()


class Detecting:
    """Holds back until the first bytes tell the protocol, and is that protocol from then on."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._first = b""
        self._spoken: Conversation | None = None

    @property
    def decided(self) -> bool:
        return self._spoken is not None

    @property
    def closing(self) -> bool:
        return self._spoken is not None and self._spoken.closing

    def received(self, data: bytes) -> bytes:
        if self._spoken is None:
            self._first += data
            self._spoken = detect(self._first, self._answer)
            data = self._first
        return self._spoken.received(data) if self._spoken else b""

    def silence(self) -> bytes:
        """What to send when nothing (or nothing that tells) came for a while."""
        if self.decided:
            return b""
        self._spoken = Lines(self._answer)
        return self._spoken.received(self._first)


def detect(first: bytes, answer: Answer) -> Conversation | None:
    """The conversation that begins with the bytes `first`; None while they leave it open."""
    if first.startswith(PREFACE):
        return Http2(answer)
    if _REQUEST_LINE.match(first):
        return Http1(answer)
    if PREFACE.startswith(first) or _MAYBE_REQUEST.fullmatch(first):
        return None
    return Lines(answer)
