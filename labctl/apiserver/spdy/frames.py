"""SPDY/3.1 frames as values, and as bytes (draft-mbelshe-httpbis-spdy-00, 2.2 and 2.6).

What arrives on a stream is handed on as it comes, so that nobody's frame of 16 MB is held in memory;
all other frames are short.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

SYN_STREAM, SYN_REPLY, RST_STREAM, PING, GOAWAY, HEADERS = 1, 2, 3, 6, 7, 8
FIN: Final = 0x01

PROTOCOL_ERROR, REFUSED_STREAM, CANCEL = 1, 3, 5  # 2.6.3
DATA_MAX: Final = (1 << 24) - 1

_CONTROL = 0x8000_0000
_VERSION = 3
_CONTROL_MAX = 64 * 1024
_HEAD = struct.Struct(">II")  # C, version and type, or the stream; flags and length
_WORD = struct.Struct(">I")
_SYN = struct.Struct(">IIH")  # stream, associated stream, priority and slot
_STREAM = 0x7FFF_FFFF


class ProtocolError(Exception):
    """The peer does not speak SPDY/3.1; the connection cannot go on."""


@dataclass(frozen=True, slots=True)
class Data:
    """A piece of a stream's data; `fin` says that it is its last."""

    stream: int
    payload: bytes
    fin: bool = False


@dataclass(frozen=True, slots=True)
class Control:
    """A control frame; `payload` as in the draft."""

    kind: int
    flags: int
    payload: bytes

    @property
    def word(self) -> int:
        """The stream (or ping) that it is about; raises ProtocolError."""
        if len(self.payload) < _WORD.size:
            raise ProtocolError(f"a frame of type {self.kind} is too short")
        return int(_WORD.unpack_from(self.payload)[0]) & _STREAM

    @property
    def fin(self) -> bool:
        return bool(self.flags & FIN)

    @property
    def block(self) -> bytes:
        """The compressed headers of SYN_STREAM, SYN_REPLY or HEADERS; raises ProtocolError."""
        start = _SYN.size if self.kind == SYN_STREAM else _WORD.size
        if len(self.payload) < start:
            raise ProtocolError(f"a frame of type {self.kind} is too short")
        return self.payload[start:]


class FrameReader:
    """Cuts what arrives, in any portions, into frames."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._stream = 0  # of the data frame that is under way
        self._missing = 0  # bytes of it
        self._fin = False

    def feed(self, data: bytes) -> Iterator[Data | Control]:
        """The frames that are complete with `data`; raises ProtocolError."""
        self._rest += data
        while True:
            frame = self._piece() if self._missing else self._next()
            if frame is None:
                return
            yield frame

    def _piece(self) -> Data | None:
        """Of a data frame whose head was read before."""
        payload = bytes(self._rest[: self._missing])
        if not payload:
            return None
        del self._rest[: self._missing]
        self._missing -= len(payload)
        return Data(self._stream, payload, self._fin and not self._missing)

    def _next(self) -> Data | Control | None:
        if len(self._rest) < _HEAD.size:
            return None
        first, second = _HEAD.unpack_from(self._rest)
        flags, length = second >> 24, second & DATA_MAX
        if first & _CONTROL:
            return self._control(first, flags, length)
        del self._rest[: _HEAD.size]
        self._stream, self._fin, self._missing = first, bool(flags & FIN), length
        return self._piece() if length else Data(first, b"", self._fin)

    def _control(self, first: int, flags: int, length: int) -> Control | None:
        version, kind = first >> 16 & 0x7FFF, first & 0xFFFF
        if version != _VERSION:
            raise ProtocolError(f"SPDY version {version} is not spoken here")
        if length > _CONTROL_MAX:
            raise ProtocolError(f"a frame of type {kind} has {length} bytes")
        end = _HEAD.size + length
        if len(self._rest) < end:
            return None
        payload = bytes(self._rest[_HEAD.size : end])
        del self._rest[:end]
        return Control(kind, flags, payload)


def data_frame(stream: int, payload: bytes, *, fin: bool = False) -> bytes:
    """`payload` has at most DATA_MAX bytes."""
    return _HEAD.pack(stream, (FIN if fin else 0) << 24 | len(payload)) + payload


def syn_stream(stream: int, block: bytes, *, fin: bool = False) -> bytes:
    return _control_frame(SYN_STREAM, FIN if fin else 0, _SYN.pack(stream, 0, 0) + block)


def syn_reply(stream: int, block: bytes) -> bytes:
    return _control_frame(SYN_REPLY, 0, _WORD.pack(stream) + block)


def rst_stream(stream: int, code: int) -> bytes:
    return _control_frame(RST_STREAM, 0, _HEAD.pack(stream, code))


def ping(number: int) -> bytes:
    return _control_frame(PING, 0, _WORD.pack(number))


def goaway(last_stream: int, code: int) -> bytes:
    return _control_frame(GOAWAY, 0, _HEAD.pack(last_stream, code))


def _control_frame(kind: int, flags: int, payload: bytes) -> bytes:
    return _HEAD.pack(_CONTROL | _VERSION << 16 | kind, flags << 24 | len(payload)) + payload
