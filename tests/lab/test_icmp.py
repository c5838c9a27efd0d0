"""ICMP as bytes, and real echoes between namespaces."""

import struct
from socket import inet_aton

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labctl.lab import icmp


def ip(source: str, payload: bytes, ttl: int = 64) -> bytes:
    header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 0, 0, ttl, 1, 0)
    return header + inet_aton(source) + inet_aton("10.0.0.2") + payload


@given(st.binary(max_size=200), st.integers(1, 0xFFFF), st.integers(0, 0xFFFF))
def test_a_request_has_a_right_checksum(payload: bytes, identifier: int, sequence: int) -> None:
    assert icmp.checksum(icmp.echo_request(identifier, sequence, payload)) == 0


def test_a_reply_is_read() -> None:
    reply = b"\0" + icmp.echo_request(7, 3, b"x" * 56)[1:]
    assert icmp.read_answer(ip("10.0.0.1", reply, 62), 7) == icmp.Answer(3, "10.0.0.1", 62, 64)


def test_others_replies_and_own_requests_are_not_ours() -> None:
    reply = b"\0" + icmp.echo_request(8, 3, b"")[1:]
    assert icmp.read_answer(ip("10.0.0.1", reply), 7) is None
    assert icmp.read_answer(ip("10.0.0.1", icmp.echo_request(7, 3, b"")), 7) is None


@pytest.mark.parametrize(
    ("kind", "code", "words"),
    [(3, 1, "Destination Host Unreachable"), (11, 0, "Time to live exceeded"), (3, 99, "code 99")],
)
def test_an_error_about_our_request_is_told_in_words(kind: int, code: int, words: str) -> None:
    quoted = ip("10.0.0.2", icmp.echo_request(7, 5, b""))
    error = struct.pack("!BBHI", kind, code, 0, 0) + quoted
    answer = icmp.read_answer(ip("10.0.0.254", error), 7)
    assert answer is not None
    assert answer.sequence == 5
    assert words in answer.error
    assert icmp.read_answer(ip("10.0.0.254", error), 8) is None


@given(st.binary(max_size=80))
def test_junk_is_no_answer_and_no_error(packet: bytes) -> None:
    icmp.read_answer(packet, 7)
