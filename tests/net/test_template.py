"""Messages that are encoded once by pyroute2 and patched: equal to encoding each anew."""

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyroute2.netlink.rtnl.rtmsg import rtmsg

from labctl.net import encode_ip, wire
from labctl.net.nouns import Route
from labctl.net.template import Template, packed

addresses = st.ip_addresses(v=4).map(str)


@given(
    network=st.ip_addresses(v=4),
    length=st.integers(1, 32),
    gateway=addresses,
    source=addresses,
    index=st.integers(1, 2**31 - 1),
)
def test_a_patched_route_is_what_pyroute2_would_have_encoded(
    network: object, length: int, gateway: str, source: str, index: int
) -> None:
    mask = (0xFFFFFFFF << (32 - length)) & 0xFFFFFFFF
    start = int.from_bytes(socket.inet_aton(str(network))) & mask
    destination = socket.inet_ntoa(start.to_bytes(4))
    route = Route(f"{destination}/{length}", "eth0", gateway, source)
    anew = rtmsg()
    anew["family"], anew["dst_len"], anew["table"] = socket.AF_INET, length, 254
    anew["proto"], anew["type"] = 3, 1
    anew["attrs"] = [
        ("RTA_DST", destination),
        ("RTA_OIF", index),
        ("RTA_GATEWAY", gateway),
        ("RTA_PREFSRC", source),
    ]
    flags = wire.NLM_F_REQUEST | wire.NLM_F_CREATE | wire.NLM_F_REPLACE
    assert encode_ip.route(route, index, present=True) == packed(anew, 24, flags)


def test_a_value_fills_every_place_of_its_mark_and_a_short_one_is_padded() -> None:
    template = Template(b"<aaaa|bb|aaaa>", {"a": b"aaaa", "b": b"bb"})
    assert template.fill({"a": b"xy", "b": b"12"}) == b"<xy\0\0|12|xy\0\0>"


def test_a_mark_that_is_not_there_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="mtu"):
        Template(b"abc", {"mtu": b"zz"})


@given(st.lists(st.tuples(st.integers(1, 100), st.binary(max_size=20))))
def test_attributes_are_read_back_as_they_were_written(told: list[tuple[int, bytes]]) -> None:
    data = b"".join(wire.attribute(kind, payload) for kind, payload in told)
    assert list(wire.attribute_list(data)) == told


@given(st.binary(max_size=200))
def test_garbage_is_read_without_an_error(data: bytes) -> None:
    list(wire.attribute_list(data))
    list(wire.frames(data))
