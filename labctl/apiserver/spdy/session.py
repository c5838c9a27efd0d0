"""The server's side of a SPDY connection as a state machine: bytes in, events out. No sockets.

There are no windows: the clients' library (spdystream) neither sends nor heeds WINDOW_UPDATE, so
who cannot take more stops reading from the connection.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from labctl.apiserver.spdy import frames
from labctl.apiserver.spdy.frames import Control, Data, FrameReader
from labctl.apiserver.spdy.headers import HeaderReader, HeaderWriter

_STREAMS_MAX = 2048  # open at once: a port-forward has two a connection


@dataclass(frozen=True, slots=True)
class Opened:
    """The client began a stream; it is waiting for `Session.reply`."""

    stream: int
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Received:
    """Bytes on a stream; `fin` says that the client sends no more on it."""

    stream: int
    data: bytes
    fin: bool


@dataclass(frozen=True, slots=True)
class Reset:
    """The client gave a stream up, in both directions."""

    stream: int


@dataclass(frozen=True, slots=True)
class Answer:
    """Bytes that have to be sent back."""

    data: bytes


Event = Opened | Received | Reset | Answer


class Session:
    """Which streams are open, in which direction."""

    def __init__(self) -> None:
        self._frames = FrameReader()
        self._headers_in = HeaderReader()
        self._headers_out = HeaderWriter()
        self._last = 0
        self._receiving: set[int] = set()
        self._sending: set[int] = set()

    def receive(self, data: bytes) -> Iterator[Event]:
        """What came about with `data`; raises ProtocolError when the connection cannot go on."""
        for frame in self._frames.feed(data):
            if isinstance(frame, Data):
                yield from self._receive_data(frame)
            else:
                yield from self._receive_control(frame)

    def reply(self, stream: int) -> bytes:
        """Accepts a stream."""
        return frames.syn_reply(stream, self._headers_out.write({}))

    def send(self, stream: int, data: bytes, *, fin: bool = False) -> bytes:
        """What to send for `data`; nothing if the stream is closed in this direction."""
        if stream not in self._sending:
            return b""
        if fin:
            self._sending.discard(stream)
        pieces = [data[i : i + frames.DATA_MAX] for i in range(0, len(data), frames.DATA_MAX)]
        *firsts, last = pieces or [b""]
        return b"".join(
            (*(frames.data_frame(stream, one) for one in firsts),
             frames.data_frame(stream, last, fin=fin))
        )  # fmt: skip

    def reset(self, stream: int) -> bytes:
        """Gives a stream up, in both directions."""
        if stream not in self._sending | self._receiving:
            return b""
        self._forget(stream)
        return frames.rst_stream(stream, frames.CANCEL)

    def go_away(self) -> bytes:
        """The last word to a client that broke the protocol."""
        return frames.goaway(self._last, frames.PROTOCOL_ERROR)

    def _receive_data(self, frame: Data) -> Iterator[Event]:
        if frame.stream not in self._receiving:
            return  # it was given up while this was under way
        if frame.fin:
            self._receiving.discard(frame.stream)
        yield Received(frame.stream, frame.payload, frame.fin)

    def _receive_control(self, frame: Control) -> Iterator[Event]:
        match frame.kind:
            case frames.SYN_STREAM:
                yield from self._open(frame)
            case frames.HEADERS | frames.SYN_REPLY:
                self._headers_in.read(frame.block)
            case frames.RST_STREAM if frame.word in self._sending | self._receiving:
                self._forget(frame.word)
                yield Reset(frame.word)
            case frames.PING if frame.word % 2:  # an even one would be the answer to our own
                yield Answer(frames.ping(frame.word))

    def _open(self, frame: Control) -> Iterator[Event]:
        stream, headers = frame.word, self._headers_in.read(frame.block)
        if stream % 2 == 0 or stream <= self._last:
            yield Answer(frames.rst_stream(stream, frames.PROTOCOL_ERROR))
            return
        self._last = stream
        if max(len(self._sending), len(self._receiving)) >= _STREAMS_MAX:
            yield Answer(frames.rst_stream(stream, frames.REFUSED_STREAM))
            return
        self._sending.add(stream)
        self._receiving.add(stream)
        yield Opened(stream, headers)
        if frame.fin:
            self._receiving.discard(stream)
            yield Received(stream, b"", fin=True)

    def _forget(self, stream: int) -> None:
        self._sending.discard(stream)
        self._receiving.discard(stream)
