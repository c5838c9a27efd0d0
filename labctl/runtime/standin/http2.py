"""HTTP/2 with prior knowledge, just enough to be a healthy gRPC server (RFC 9113).

A request that ends with its header block is a plain GET and gets the stand-in's JSON; one with a
body is taken for gRPC's and answered as grpc.health.v1.Health/Check answers: SERVING. So no header
has to be decoded, and no HPACK state is kept: what is sent uses the static table and literals that
are not indexed. Written by hand, since the `h2` package would be a dependency for two answers.
"""

from dataclasses import dataclass

from labctl.runtime.standin.answer import Answer

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_FRAME_MAX = 16_384  # SETTINGS_MAX_FRAME_SIZE as it is before anybody changes it
_DATA, _HEADERS, _SETTINGS, _PING, _GOAWAY, _WINDOW_UPDATE = 0, 1, 4, 6, 7, 8
_END_STREAM = _ACK = 1
_END_HEADERS = 4
_PROTOCOL_ERROR, _FRAME_SIZE_ERROR = 1, 6
_SERVING = b"\x00\x00\x00\x00\x02\x08\x01"  # gRPC: uncompressed, 2 bytes; protobuf: status = 1


@dataclass(frozen=True)
class Frame:
    kind: int
    flags: int
    stream: int
    payload: bytes = b""

    def encode(self) -> bytes:
        head = len(self.payload).to_bytes(3, "big") + bytes((self.kind, self.flags))
        return head + self.stream.to_bytes(4, "big") + self.payload


class Http2:
    def __init__(self, answer: Answer) -> None:
        self.closing = False
        self._answer = answer
        self._buffer = b""
        self._greeted = False

    def received(self, data: bytes) -> bytes:
        self._buffer += data
        out = []
        if not self._greeted:
            self._greeted = True
            self._buffer = self._buffer.removeprefix(PREFACE)
            out.append(Frame(_SETTINGS, 0, 0))
        while not self.closing and (frame := self._next_frame()) is not None:
            out += self._answer_frame(frame)
        if not self.closing and int.from_bytes(self._buffer[:3], "big") > _FRAME_MAX:
            out += self._go_away(_FRAME_SIZE_ERROR)
        return b"".join(frame.encode() for frame in out)

    def _next_frame(self) -> Frame | None:
        length = int.from_bytes(self._buffer[:3], "big")
        if length > _FRAME_MAX or len(self._buffer) < 9 + length:
            return None
        raw, self._buffer = self._buffer[: 9 + length], self._buffer[9 + length :]
        stream = int.from_bytes(raw[5:9], "big") & 0x7FFF_FFFF
        return Frame(raw[3], raw[4], stream, raw[9:])

    def _answer_frame(self, frame: Frame) -> list[Frame]:
        if frame.kind in (_HEADERS, _DATA):
            return self._answer_request(frame) if frame.stream else self._go_away(_PROTOCOL_ERROR)
        if frame.kind in (_SETTINGS, _PING) and not frame.flags & _ACK:
            echo = frame.payload if frame.kind == _PING else b""
            return [Frame(frame.kind, _ACK, 0, echo)]
        self.closing = frame.kind == _GOAWAY
        return []

    def _answer_request(self, frame: Frame) -> list[Frame]:
        refill = _refill(frame)
        if not frame.flags & _END_STREAM:
            return refill
        if frame.kind == _HEADERS:
            self._answer.log("HTTP/2 200")
            return _plain(frame.stream, self._answer.line())
        self._answer.log("gRPC SERVING")
        return refill + _healthy(frame.stream)

    def _go_away(self, code: int) -> list[Frame]:
        self.closing = True
        return [Frame(_GOAWAY, 0, 0, bytes(4) + code.to_bytes(4, "big"))]


def _refill(frame: Frame) -> list[Frame]:
    """Gives back to the client's flow control what a body used up (RFC 9113 §6.9)."""
    if frame.kind != _DATA or not frame.payload:
        return []
    grown = len(frame.payload).to_bytes(4, "big")
    streams = (0,) if frame.flags & _END_STREAM else (0, frame.stream)
    return [Frame(_WINDOW_UPDATE, 0, stream, grown) for stream in streams]


def _plain(stream: int, body: bytes) -> list[Frame]:
    return [
        Frame(_HEADERS, _END_HEADERS, stream, _status_200(b"application/json")),
        Frame(_DATA, _END_STREAM, stream, body),
    ]


def _healthy(stream: int) -> list[Frame]:
    return [
        Frame(_HEADERS, _END_HEADERS, stream, _status_200(b"application/grpc")),
        Frame(_DATA, 0, stream, _SERVING),
        Frame(_HEADERS, _END_HEADERS | _END_STREAM, stream, _literal(b"grpc-status", b"0")),
    ]


def _status_200(content_type: bytes) -> bytes:
    """`:status: 200` is entry 8 of HPACK's static table (RFC 7541, appendix A)."""
    return b"\x88" + _literal(b"content-type", content_type)


def _literal(name: bytes, value: bytes) -> bytes:
    """A header field without indexing, new name, no Huffman coding (RFC 7541 §6.2.2)."""
    return b"\x00" + bytes((len(name),)) + name + bytes((len(value),)) + value
