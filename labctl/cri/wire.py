"""Framing: one JSON object a line, in both directions, on a Unix stream socket.

    → {"id": 7, "method": "StartContainer", "params": {"id": "…"}}
    ← {"id": 7, "result": {…}}      or {"id": 7, "error": {"message": "…", "reason": "NotFound"}}
    ← {"event": {…}}                on a connection that asked for ContainerEvents

Requests are pipelined: answers come in any order, told apart by `id`. JSON encoders never emit a
raw newline, so the newline needs no escaping.
"""

from dataclasses import dataclass
from typing import Any

import msgspec

from labctl.cri.errors import CriError
from labctl.cri.messages import ContainerEvent


@dataclass(frozen=True, slots=True)
class Failure:
    message: str
    reason: str
    code: int = 0


class Call(msgspec.Struct):
    """A request as it stands on the line; `params` stay raw until the method is known."""

    id: int
    method: str
    params: msgspec.Raw


class Reply(msgspec.Struct):
    """An answer (`id` with `result` or `error`) or a pushed `event`."""

    id: int = 0
    result: msgspec.Raw = msgspec.Raw(b"null")
    error: Failure | None = None
    event: ContainerEvent | None = None


_CALLS = msgspec.json.Decoder(Call)
_REPLIES = msgspec.json.Decoder(Reply)


def encode(message: dict[str, Any]) -> bytes:
    return msgspec.json.encode(message) + b"\n"


def call_line(number: int, request: Any) -> bytes:
    """The line that asks for `request`, whose class is named as the method."""
    return encode({"id": number, "method": type(request).__name__, "params": request})


def result_line(number: int, result: Any) -> bytes:
    return encode({"id": number, "result": result})


def error_line(number: int, error: CriError) -> bytes:
    return encode({"id": number, "error": Failure(error.message, error.reason, error.code)})


def event_line(event: ContainerEvent) -> bytes:
    return encode({"event": event})


def decode_call(line: bytes) -> Call:
    """Raises msgspec.DecodeError (or its ValidationError) on anything but a request."""
    return _CALLS.decode(line)


def decode_reply(line: bytes) -> Reply:
    return _REPLIES.decode(line)


def unwrap(reply: Reply) -> msgspec.Raw:
    """The result of an answer, or its error raised."""
    if reply.error is not None:
        raise CriError(reply.error.message, reply.error.reason, reply.error.code)
    return reply.result


class LineBuffer:
    """Cuts a stream of bytes into lines; the unfinished rest waits for more."""

    def __init__(self) -> None:
        self._rest = b""

    @property
    def pending(self) -> int:
        """Bytes of a line whose end has not come."""
        return len(self._rest)

    def feed(self, data: bytes) -> list[bytes]:
        *lines, self._rest = (self._rest + data).split(b"\n")
        return lines
