"""The socket: batches, errors that name their operation, indices, dumps of many messages."""

import errno

import pytest

from labctl.errors import NetError
from labctl.net import encode
from labctl.net.apply import apply
from labctl.net.diff import diff
from labctl.net.netlink import Netlink
from labctl.net.nouns import Address, Link, Neighbor, Noun, Route
from labctl.net.observe import observe
from labctl.net.operations import Create, Delete
from labctl.net.state import NetState

BRIDGE = Link("br0", "bridge", 1500, "02:00:00:00:00:01")
ADDRESS = Address("br0", "10.0.0.1/16")


@pytest.fixture
def bridged(netlink: Netlink) -> Netlink:
    apply(netlink, diff(NetState(), NetState([BRIDGE, ADDRESS])))
    return netlink


def create(netlink: Netlink, *nouns: Noun) -> None:
    netlink.send([r for noun in nouns for r in encode.requests(Create(noun), netlink.index)])


def test_an_error_is_the_sentence_of_its_operation_and_the_kernels_reason(bridged: Netlink) -> None:
    with pytest.raises(NetError) as caught:
        create(bridged, Route("10.9.0.0/16", "br0", "192.0.2.1"))
    assert caught.value.errno == errno.ENETUNREACH
    assert caught.value.message == (
        "ip route add 10.9.0.0/16 via 192.0.2.1 dev br0: "
        "Network is unreachable (Nexthop has invalid gateway)"
    )


def test_the_rest_of_a_batch_is_done_although_one_request_fails(bridged: Netlink) -> None:
    good = [Neighbor("br0", f"10.0.0.{n}", "02:00:00:00:00:09") for n in (2, 3)]
    with pytest.raises(NetError, match="invalid gateway"):
        create(bridged, good[0], Route("10.9.0.0/16", "br0", "192.0.2.1"), good[1])
    assert all(noun in observe(bridged) for noun in good)


def test_more_requests_than_one_datagram_holds_are_all_carried_out(bridged: Netlink) -> None:
    many = [
        Neighbor("br0", f"10.0.{n // 250}.{n % 250 + 2}", "02:00:00:00:00:09") for n in range(1000)
    ]
    create(bridged, *many)
    assert sum(isinstance(noun, Neighbor) for noun in observe(bridged)) == 1000


def test_the_socket_is_usable_after_an_error(bridged: Netlink) -> None:
    with pytest.raises(NetError):
        create(bridged, Route("10.9.0.0/16", "br0", "192.0.2.1"))
    create(bridged, Route("10.9.0.0/16", "br0", "10.0.0.9"))
    assert Route("10.9.0.0/16", "br0", "10.0.0.9") in observe(bridged)


def test_an_unknown_interface_is_named(netlink: Netlink) -> None:
    with pytest.raises(NetError, match="ip link show dev nowhere") as caught:
        create(netlink, Address("nowhere", "10.0.0.1/24"))
    assert caught.value.errno == errno.ENODEV


@pytest.mark.parametrize(
    "noun",
    [
        BRIDGE,
        ADDRESS,
        Neighbor("br0", "10.0.0.2", "02:00:00:00:00:09"),
        Route("10.9.0.0/16", "br0", "10.0.0.9"),
    ],
)
def test_to_delete_what_is_gone_is_no_error(noun: Noun, bridged: Netlink) -> None:
    create(bridged, Neighbor("br0", "10.0.0.2", "02:00:00:00:00:09"))
    create(bridged, Route("10.9.0.0/16", "br0", "10.0.0.9"))
    for _ in range(2):
        apply(bridged, [Delete(noun)])
    assert noun not in observe(bridged)


def test_an_address_that_is_there_already_may_be_created(bridged: Netlink) -> None:
    create(bridged, ADDRESS, ADDRESS)
    assert ADDRESS in observe(bridged)


def test_the_index_of_an_interface_that_was_made_anew_is_not_mistaken(bridged: Netlink) -> None:
    before = bridged.index("br0")
    apply(bridged, [Delete(BRIDGE), Create(BRIDGE), Create(ADDRESS)])
    assert bridged.index("br0") != before
    assert ADDRESS in observe(bridged)
