"""Framing and values of the runtime's socket."""

from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labctl.cri import messages, wire
from labctl.cri.errors import NOT_FOUND, CriError
from labctl.cri.messages import (
    Container,
    ContainerConfig,
    ContainerEvent,
    Mount,
    Port,
    SandboxConfig,
)

CONTAINER = Container(
    "u-0.c.1",
    "u-0",
    ContainerConfig(
        "c",
        "nginx",
        1,
        ("a", "b\nc"),
        (),
        "/",
        (("K", "v"),),
        (Port(53, "UDP"),),
        (8080,),
        (Mount("/source", "/target", True),),
        "/l",
    ),
    "exited",
    exit_code=137,
    signal=9,
    reason="Error",
)


def test_a_request_is_named_by_its_method() -> None:
    line = wire.call_line(7, messages.StartContainer("x"))
    assert line == b'{"id":7,"method":"StartContainer","params":{"id":"x"}}\n'


def test_values_come_back_equal() -> None:
    line = wire.result_line(3, CONTAINER)
    reply = wire.decode_reply(line[:-1])
    assert reply.id == 3
    assert msgspec.json.decode(wire.unwrap(reply), type=Container) == CONTAINER
    event = ContainerEvent("container-exited", "node1", "u-0", CONTAINER)
    assert wire.decode_reply(wire.event_line(event)[:-1]).event == event


def test_nothing_in_a_value_breaks_the_line() -> None:
    assert wire.result_line(1, CONTAINER).count(b"\n") == 1


def test_an_error_is_raised_with_its_reason_and_code() -> None:
    line = wire.error_line(1, CriError("no container x", NOT_FOUND, 127))
    with pytest.raises(CriError) as raised:
        wire.unwrap(wire.decode_reply(line[:-1]))
    assert (raised.value.message, raised.value.reason) == ("no container x", "NotFound")
    assert raised.value.code == 127


def test_what_a_newer_peer_says_more_is_skipped() -> None:
    config = msgspec.json.decode(
        b'{"name":"a","namespace":"b","uid":"c","colour":"red"}', type=SandboxConfig
    )
    assert config == SandboxConfig("a", "b", "c")


@given(st.lists(st.binary().filter(lambda line: b"\n" not in line)), st.data())
def test_lines_are_found_however_the_stream_is_cut(lines: list[bytes], data: Any) -> None:
    stream = b"".join(line + b"\n" for line in lines)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(stream)), max_size=10)))
    buffer = wire.LineBuffer()
    found = [
        line
        for start, end in pairwise([0, *cuts, len(stream)])
        for line in buffer.feed(stream[start:end])
    ]
    assert found == lines
