"""What a stand-in says to which bytes: pure, no socket."""

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labctl.runtime.standin.answer import Answer
from labctl.runtime.standin.conversation import Detecting
from labctl.runtime.standin.http2 import PREFACE, Frame

FACTS = {
    "pod": "web",
    "namespace": "shop",
    "node": "node2",
    "podIP": "10.244.2.9",
    "container": "c",
}
SAID = {**FACTS, "protocol": "TCP", "port": 80, "client": {"address": "10.244.1.7", "port": 40000}}
LINE = json.dumps(SAID, separators=(",", ":")).encode() + b"\n"
GET = b"GET /x HTTP/1.1\r\nHost: web\r\n\r\n"


def _detecting(log: list[str] | None = None) -> Detecting:
    note = log.append if log is not None else lambda _: None
    return Detecting(Answer(FACTS, "TCP", 80, ("10.244.1.7", 40000), note))


def _http(said: bytes) -> tuple[str, dict[str, str], bytes]:
    """Status line, fields and body of the one response in `said`."""
    head, _, body = said.partition(b"\r\n\r\n")
    status, *fields = head.decode().split("\r\n")
    return status, dict(field.split(": ", 1) for field in fields), body


def test_the_answer_tells_who_answered_and_who_asked() -> None:
    status, fields, body = _http(_detecting().received(GET))
    assert status == "HTTP/1.1 200 OK"
    assert fields["Content-Type"] == "application/json"
    assert int(fields["Content-Length"]) == len(body)
    assert json.loads(body) == SAID


@pytest.mark.parametrize(
    "request_bytes",
    [
        GET,
        b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello",
        b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nT: 1\r\n\r\n",
        b"DELETE / HTTP/1.1\nHost: bare newlines\n\n",
        b"\r\nGET / HTTP/1.1\r\n\r\n"[2:],
        b"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n",
    ],
)
def test_a_connection_is_kept_for_the_next_request(request_bytes: bytes) -> None:
    conversation = _detecting()
    assert conversation.received(request_bytes + request_bytes).count(b"HTTP/1.1 200") == 2
    assert not conversation.closing


@pytest.mark.parametrize(
    "request_bytes",
    [b"GET / HTTP/1.0\r\n\r\n", b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n"],
)
def test_a_client_that_wants_it_closed_gets_it_closed(request_bytes: bytes) -> None:
    conversation = _detecting()
    _, fields, body = _http(conversation.received(request_bytes))
    assert (fields["Connection"], body) == ("close", LINE)
    assert conversation.closing


def test_head_gets_the_length_and_no_body() -> None:
    _, fields, body = _http(_detecting().received(b"HEAD / HTTP/1.1\r\n\r\n"))
    assert (int(fields["Content-Length"]), body) == (len(LINE), b"")


def test_a_client_that_asks_whether_to_go_on_is_told_so() -> None:
    conversation = _detecting()
    head = b"POST / HTTP/1.1\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"
    assert conversation.received(head) == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert conversation.received(b"abc").startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "rest",
    [
        b"Content-Length: x\r\n\r\n",
        b"Content-Length: -1\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n-5\r\n",
        b"a" * 70_000,
        b"a: b\r\n" * 300,
    ],
)
def test_what_is_not_http_ends_with_400(rest: bytes) -> None:
    conversation = _detecting()
    assert b"HTTP/1.1 400 Bad Request" in conversation.received(b"GET / HTTP/1.1\r\n" + rest)
    assert conversation.closing


@pytest.mark.parametrize(
    "data", [b"hello\n", b"\x00", b"GET me something\n", b"get / http/1.1\r\n", b"\x16\x03\x01\x02"]
)
def test_what_is_not_http_at_all_is_answered_with_the_line(data: bytes) -> None:
    conversation = _detecting()
    assert conversation.received(data) == LINE
    assert conversation.received(b"more") == LINE
    assert not conversation.closing


@pytest.mark.parametrize("data", [b"G", b"GET", b"GET /", b"GET / HTTP/1", b"PRI * HTTP/2.0\r\n"])
def test_what_may_become_http_is_waited_for(data: bytes) -> None:
    assert _detecting().received(data) == b""


def test_a_silent_client_gets_the_line_and_one_that_was_answered_no_second() -> None:
    silent, spoken = _detecting(), _detecting()
    assert silent.silence() == LINE
    assert spoken.received(GET)
    assert spoken.silence() == b""


def test_an_access_is_one_line_in_the_log_whatever_was_asked() -> None:
    log: list[str] = []
    _detecting(log).received(b"GET /\x1b[31m\x07 HTTP/1.1\r\n\r\n")
    assert log == ['10.244.1.7:40000 -> 80/TCP "GET /?[31m? HTTP/1.1" 200']


def _frames(data: bytes) -> list[Frame]:
    frames = []
    while data:
        length = int.from_bytes(data[:3], "big")
        payload, rest = data[9 : 9 + length], data[9 + length :]
        frames.append(Frame(data[3], data[4], int.from_bytes(data[5:9], "big"), payload))
        data = rest
    return frames


SETTINGS, HEADERS, DATA, PING, GOAWAY, WINDOW_UPDATE = 4, 1, 0, 6, 7, 8


def test_a_grpc_health_check_is_answered_serving() -> None:
    call = (
        PREFACE
        + Frame(SETTINGS, 0, 0).encode()
        + Frame(HEADERS, 4, 1, b"anything").encode()
        + Frame(DATA, 1, 1, bytes(5)).encode()
    )
    settings, ack, window, head, body, trailer = _frames(_detecting().received(call))
    assert (settings.kind, ack.kind, ack.flags) == (SETTINGS, SETTINGS, 1)
    assert window == Frame(WINDOW_UPDATE, 0, 0, (5).to_bytes(4, "big"))
    assert (head.kind, head.flags, head.stream) == (HEADERS, 4, 1)
    assert b"application/grpc" in head.payload
    assert body == Frame(DATA, 0, 1, b"\x00\x00\x00\x00\x02\x08\x01")
    assert (trailer.kind, trailer.flags) == (HEADERS, 5)
    assert trailer.payload == b"\x00\x0bgrpc-status\x010"


def test_http2_without_a_body_gets_the_json() -> None:
    _, head, body = _frames(_detecting().received(PREFACE + Frame(HEADERS, 5, 3, b"x").encode()))
    assert head.payload.startswith(b"\x88")
    assert body == Frame(DATA, 1, 3, LINE)


def test_http2_pings_are_echoed_and_errors_end_it() -> None:
    conversation = _detecting()
    conversation.received(PREFACE)
    ping = Frame(PING, 0, 0, b"12345678")
    assert conversation.received(ping.encode()) == Frame(PING, 1, 0, b"12345678").encode()
    (goaway,) = _frames(conversation.received(Frame(DATA, 0, 0).encode()))
    assert (goaway.kind, goaway.payload[-1], conversation.closing) == (GOAWAY, 1, True)


def test_an_oversized_http2_frame_ends_it() -> None:
    conversation = _detecting()
    conversation.received(PREFACE)
    (goaway,) = _frames(conversation.received(b"\xff\xff\xff\x00\x00\x00\x00\x00\x01"))
    assert (goaway.payload[-1], conversation.closing) == (6, True)


CONVERSATIONS = [
    GET
    + b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\nA\r\n0123456789\r\n0\r\n\r\n"
    + GET,
    PREFACE
    + Frame(HEADERS, 4, 1).encode()
    + Frame(DATA, 1, 1, bytes(7)).encode()
    + Frame(PING, 0, 0).encode(),
]


@given(st.sampled_from(CONVERSATIONS), st.data())
def test_how_the_bytes_are_cut_changes_nothing(whole: bytes, data: Any) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(1, len(whole) - 1), max_size=20)))
    pieces = [whole[start:end] for start, end in pairwise([0, *cuts, len(whole)])]
    at_once, in_pieces = _detecting(), _detecting()
    assert b"".join(in_pieces.received(piece) for piece in pieces) == at_once.received(whole)


@given(st.lists(st.binary(max_size=200), max_size=10), st.sampled_from([b"", GET, PREFACE]))
def test_no_bytes_upset_it(pieces: list[bytes], first: bytes) -> None:
    conversation = _detecting()
    conversation.received(first)
    for piece in pieces:
        if not conversation.closing:
            conversation.received(piece)
