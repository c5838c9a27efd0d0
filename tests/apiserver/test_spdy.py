"""SPDY/3.1 without a socket: frames, headers, and what the server's side makes of them."""

import hashlib
import struct
from collections.abc import Iterator, Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labctl.apiserver.spdy import frames
from labctl.apiserver.spdy.dictionary import DICTIONARY
from labctl.apiserver.spdy.frames import Control, Data, FrameReader, ProtocolError
from labctl.apiserver.spdy.headers import HeaderReader, HeaderWriter
from labctl.apiserver.spdy.session import Answer, Event, Opened, Received, Reset, Session

STREAMS = st.integers(1, 2**31 - 1)
WORDS = st.text(st.characters(max_codepoint=255), max_size=40)
DATA = st.builds(Data, STREAMS, st.binary(min_size=1, max_size=300), st.booleans())


def test_the_dictionary_is_the_drafts() -> None:
    """Of the constant in draft-mbelshe-httpbis-spdy-00, as all implementations have it."""
    digest = "51d27341373f923f3cd88e1eb7162aeaa3723d7585ff2399201dc06498407f02"
    assert hashlib.sha256(DICTIONARY).hexdigest() == digest


@given(st.lists(st.dictionaries(st.from_regex(r"[a-z0-9-]+", fullmatch=True), WORDS), max_size=6))
def test_headers_come_through_one_after_another(blocks: list[dict[str, str]]) -> None:
    writer, reader = HeaderWriter(), HeaderReader()
    assert [reader.read(writer.write(one)) for one in blocks] == blocks


def test_headers_that_would_fill_the_memory_are_refused() -> None:
    block = HeaderWriter().write({"a": "0" * 10_000_000})
    assert len(block) < 64 * 1024
    with pytest.raises(ProtocolError, match="more than 65536 bytes"):
        HeaderReader().read(block)


@given(st.binary(max_size=200))
def test_headers_that_are_none_are_refused(block: bytes) -> None:
    try:
        HeaderReader().read(block)
    except ProtocolError:
        return


def portions(data: bytes, cuts: Sequence[int]) -> Iterator[bytes]:
    ends = sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})
    return (data[start:end] for start, end in pairwise(ends))


@given(st.lists(DATA, max_size=8), st.lists(st.integers(0, 2000), max_size=8))
def test_data_arrives_whole_however_it_is_cut(sent: list[Data], cuts: list[int]) -> None:
    wire = b"".join(frames.data_frame(one.stream, one.payload, fin=one.fin) for one in sent)
    reader = FrameReader()
    got = [frame for portion in portions(wire, cuts) for frame in reader.feed(portion)]
    pieces = [one for one in got if isinstance(one, Data)]
    assert len(pieces) == len(got)
    assert b"".join(one.payload for one in pieces) == b"".join(one.payload for one in sent)
    assert [one.stream for one in pieces if one.fin] == [one.stream for one in sent if one.fin]


def test_a_frame_of_16_mb_is_not_held_back() -> None:
    head = struct.pack(">II", 1, frames.DATA_MAX)
    assert list(FrameReader().feed(head + b"x" * 10)) == [Data(1, b"x" * 10)]


@pytest.mark.parametrize(
    ("wire", "message"),
    [
        (b"GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n", None),
        (struct.pack(">HHI", 0x8002, 1, 10), "version 2"),
        (struct.pack(">HHI", 0x8003, 1, 2**24 - 1), "16777215 bytes"),
    ],
)
def test_what_is_no_spdy_is_refused(wire: bytes, message: str | None) -> None:
    session = Session()
    if message is None:  # a data frame, by its first bit: of a stream that is not open
        assert list(session.receive(wire)) == []
        return
    with pytest.raises(ProtocolError, match=message):
        list(session.receive(wire))


@given(st.lists(st.binary(max_size=100), max_size=10))
def test_garbage_ends_the_connection_and_nothing_else(garbage: list[bytes]) -> None:
    session = Session()
    try:
        for one in garbage:
            list(session.receive(b"\x80\x03" + one))
    except ProtocolError:
        return


class Client:
    """The other side, from the same parts."""

    def __init__(self) -> None:
        self.server = Session()
        self._headers = HeaderWriter()

    def open(self, stream: int, *, fin: bool = False, **headers: str) -> list[Event]:
        return self.say(frames.syn_stream(stream, self._headers.write(headers), fin=fin))

    def say(self, data: bytes) -> list[Event]:
        return list(self.server.receive(data))


def test_a_streams_life() -> None:
    client = Client()
    assert client.open(1, streamtype="data", port="80") == [
        Opened(1, {"streamtype": "data", "port": "80"})
    ]
    (reply,) = FrameReader().feed(client.server.reply(1))
    assert isinstance(reply, Control)
    assert (reply.kind, reply.word) == (frames.SYN_REPLY, 1)
    assert client.say(frames.data_frame(1, b"hi")) == [Received(1, b"hi", fin=False)]
    assert client.say(frames.data_frame(1, b"", fin=True)) == [Received(1, b"", fin=True)]
    assert client.say(frames.data_frame(1, b"late")) == []
    assert client.server.send(1, b"ho") == frames.data_frame(1, b"ho")
    assert client.server.send(1, b"", fin=True) == frames.data_frame(1, b"", fin=True)
    assert client.server.send(1, b"late") == b""


def test_a_stream_may_be_given_up_by_either_side() -> None:
    client = Client()
    client.open(1)
    client.open(3)
    assert client.say(frames.rst_stream(1, frames.CANCEL)) == [Reset(1)]
    assert client.server.send(1, b"x") == b""
    assert client.server.reset(3) == frames.rst_stream(3, frames.CANCEL)
    assert client.say(frames.data_frame(3, b"x")) == []


def test_pings_are_echoed_and_windows_ignored() -> None:
    client = Client()
    assert client.say(frames.ping(7)) == [Answer(frames.ping(7))]
    assert client.say(frames.ping(8)) == []
    window = struct.pack(">HHIII", 0x8003, 9, 8, 1, 65536)
    settings = struct.pack(">HHII", 0x8003, 4, 4, 0)
    assert client.say(window + settings + frames.goaway(0, 0)) == []


def test_stream_numbers_that_break_the_rules_are_refused() -> None:
    client = Client()
    client.open(5)
    refusals = [client.open(number) for number in (5, 3, 6)]
    assert refusals == [
        [Answer(frames.rst_stream(number, frames.PROTOCOL_ERROR))] for number in (5, 3, 6)
    ]
    assert client.open(7, fin=True) == [Opened(7, {}), Received(7, b"", fin=True)]


def test_there_is_an_end_to_the_streams_that_one_may_open() -> None:
    client = Client()
    for number in range(2048):
        client.open(2 * number + 1)
    assert client.open(4097) == [Answer(frames.rst_stream(4097, frames.REFUSED_STREAM))]


def test_more_than_a_frame_can_hold_is_cut() -> None:
    client = Client()
    client.open(1)
    wire = client.server.send(1, b"x" * (frames.DATA_MAX + 1), fin=True)
    got = list(FrameReader().feed(wire))
    assert [(len(one.payload), one.fin) for one in got] == [(frames.DATA_MAX, False), (1, True)]
