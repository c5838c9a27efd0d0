"""The laws of diff, on states as values; test_kernel.py holds the kernel to the same."""

import pytest
from hypothesis import given

from labctl.net.diff import diff
from labctl.net.effects import after
from labctl.net.nouns import (
    Address,
    FdbEntry,
    Link,
    Neighbor,
    NftTable,
    Noun,
    Route,
    Sysctl,
    Vxlan,
)
from labctl.net.operations import Create, Delete, Operation, Replace
from labctl.net.state import NetState
from tests.net.states import states

BRIDGE = Link("cni0", "bridge", 1450, "02:00:00:00:00:01")
PORT = Link("veth1", "veth", 1450, "02:00:00:00:00:02", master="cni0", alias="default/web")
CABLE = Link("eth0", "veth", 1500, "02:00:00:00:00:03")
VXLAN = Link("vxlan.1", "vxlan", 1450, "02:00:00:00:00:04", vxlan=Vxlan(1, "172.30.1.1", "eth0"))
NODE = NetState(
    [
        Route("default", "eth0", "172.30.0.1"),
        Route("10.244.2.0/24", "vxlan.1", "10.244.2.0", "172.30.1.1", onlink=True),
        NftTable("ip", "labctl", "0123456789ab"),
        FdbEntry("vxlan.1", "02:00:00:00:02:04", "172.30.1.2"),
        Neighbor("vxlan.1", "10.244.2.0", "02:00:00:00:02:04"),
        Neighbor("cni0", "10.244.1.2", "02:00:00:00:01:02"),
        Address("cni0", "10.244.1.1/24"),
        Address("eth0", "172.30.1.1/16"),
        VXLAN,
        PORT,
        BRIDGE,
        CABLE,
        Sysctl("net.ipv4.conf.vxlan/1.rp_filter", "0"),
        Sysctl("net.ipv4.conf.all.rp_filter", "0"),
        Sysctl("net.ipv4.ip_forward", "1"),
    ]
)
ADD_PORT = "ip link add veth1 mtu 1450 address 02:00:00:00:00:02 master cni0 up type veth"
ADD_VXLAN = (
    "ip link add vxlan.1 mtu 1450 address 02:00:00:00:00:04 up type vxlan"
    " id 1 local 172.30.1.1 dev eth0 dstport 8472 nolearning"
)


def lines(operations: tuple[Operation, ...]) -> list[str]:
    return [operation.describe() for operation in operations]


def settled(before: NetState, wanted: NetState) -> NetState:
    """`wanted`, and the settings that were there before and cannot be taken away."""
    names = {noun.name for noun in wanted if isinstance(noun, Link)}
    left = (
        noun
        for noun in before
        if isinstance(noun, Sysctl) and (not noun.interface or noun.interface in names)
    )
    return NetState(left) | wanted


def same(one: NetState, other: NetState) -> bool:
    return not diff(one, other) and not diff(other, one)


@given(states())
def test_what_is_as_it_should_be_needs_no_operation(state: NetState) -> None:
    assert diff(state, state) == ()


@given(states(), states())
def test_a_plan_carried_out_leads_to_what_was_desired(before: NetState, wanted: NetState) -> None:
    reached = after(before, diff(before, wanted))
    assert diff(reached, wanted) == ()
    assert same(reached, settled(before, wanted))


@given(states(), states())
def test_a_plan_interrupted_after_any_step_and_made_anew_still_gets_there(
    before: NetState, wanted: NetState
) -> None:
    plan = diff(before, wanted)
    for done in range(len(plan)):
        midway = after(before, plan[:done])
        assert diff(after(midway, diff(midway, wanted)), wanted) == ()


@given(states(), states())
def test_no_plan_does_the_same_thing_twice(before: NetState, wanted: NetState) -> None:
    plan = lines(diff(before, wanted))
    assert len(plan) == len(set(plan))


def test_a_node_is_built_from_the_ground_up() -> None:
    assert lines(diff(NetState(), NODE)) == [
        "sysctl -w net.ipv4.ip_forward=1",
        "sysctl -w net.ipv4.conf.all.rp_filter=0",
        "ip link add cni0 mtu 1450 address 02:00:00:00:00:01 up type bridge",
        "ip link add eth0 mtu 1500 address 02:00:00:00:00:03 up type veth",
        f"{ADD_PORT} && ip link set dev veth1 alias default/web",
        ADD_VXLAN,
        "sysctl -w net.ipv4.conf.vxlan/1.rp_filter=0",
        "ip address add 10.244.1.1/24 dev cni0",
        "ip address add 172.30.1.1/16 dev eth0",
        "ip neighbor add 10.244.1.2 lladdr 02:00:00:00:01:02 dev cni0 nud permanent",
        "ip neighbor add 10.244.2.0 lladdr 02:00:00:00:02:04 dev vxlan.1 nud permanent",
        "bridge fdb add 02:00:00:00:02:04 dev vxlan.1 dst 172.30.1.2",
        "nft -f - # table ip labctl, revision 0123456789ab",
        "ip route add 10.244.2.0/24 via 10.244.2.0 dev vxlan.1 onlink src 172.30.1.1",
        "ip route add default via 172.30.0.1 dev eth0",
    ]


def test_what_goes_goes_in_the_opposite_order() -> None:
    gone = NODE.select(lambda noun: noun.interface == "vxlan.1" and not isinstance(noun, Link))
    kept = NODE.without(noun.key for noun in gone) | [VXLAN]
    assert lines(diff(NODE, kept)) == [
        "ip route delete 10.244.2.0/24 via 10.244.2.0 dev vxlan.1 onlink src 172.30.1.1",
        "bridge fdb delete 02:00:00:00:02:04 dev vxlan.1 dst 172.30.1.2",
        "ip neighbor delete 10.244.2.0 lladdr 02:00:00:00:02:04 dev vxlan.1 nud permanent",
    ]


def test_a_link_that_goes_takes_what_hangs_on_it_along() -> None:
    kept = NODE.select(lambda noun: noun.interface != "vxlan.1")
    assert lines(diff(NODE, kept)) == ["ip link delete dev vxlan.1"]


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (Link("eth0", "veth", 1400, "02:00:00:00:00:03"), "mtu 1400"),
        (Link("eth0", "veth", 1500, "02:00:00:00:00:99"), "address 02:00:00:00:00:99"),
        (Link("eth0", "veth", 1500, "02:00:00:00:00:03", up=False), "down"),
        (Link("eth0", "veth", 1500, "02:00:00:00:00:03", master="cni0"), "master cni0"),
        (Link("eth0", "veth", 1500, "02:00:00:00:00:03", alias="a b"), "alias 'a b'"),
    ],
)
def test_a_link_is_changed_in_place_where_that_can_be_done(change: Link, line: str) -> None:
    before = NetState([CABLE, BRIDGE])
    assert lines(diff(before, before | [change])) == [f"ip link set dev eth0 {line}"]
    assert isinstance(diff(before, before | [change])[0], Replace)


def test_another_vni_is_another_device_and_all_on_it_is_made_again() -> None:
    other = Link(
        "vxlan.1", "vxlan", 1450, "02:00:00:00:00:04", vxlan=Vxlan(7, "172.30.1.1", "eth0")
    )
    plan = lines(diff(NODE | [other], NODE))
    assert plan[0] == "ip link delete dev vxlan.1"
    assert [line.split(" dev ")[0] for line in plan[1:]] == [
        ADD_VXLAN.partition(" dev ")[0],
        "sysctl -w net.ipv4.conf.vxlan/1.rp_filter=0",
        "ip neighbor add 10.244.2.0 lladdr 02:00:00:00:02:04",
        "bridge fdb add 02:00:00:00:02:04",
        "ip route add 10.244.2.0/24 via 10.244.2.0",
    ]


def test_a_bridge_that_is_made_again_gets_its_ports_back() -> None:
    wrong = Link("cni0", "dummy", 1450, "02:00:00:00:00:01")
    plan = lines(diff(NetState([wrong, PORT]), NetState([BRIDGE, PORT])))
    assert plan[-1] == "ip link set dev veth1 master cni0"


def test_a_new_mac_loses_the_permanent_neighbors_so_they_are_put_again() -> None:
    observed = NODE | [Link("cni0", "bridge", 1450, "02:00:00:00:00:77")]
    assert lines(diff(observed, NODE)) == [
        "ip link set dev cni0 address 02:00:00:00:00:01",
        "ip neighbor add 10.244.1.2 lladdr 02:00:00:00:01:02 dev cni0 nud permanent",
    ]


def test_an_address_gives_way_before_another_comes_and_routes_come_back() -> None:
    observed = NODE.without([("address", "eth0", "172.30.1.1/16")]) | [
        Address("eth0", "172.30.1.9/16")
    ]
    assert lines(diff(observed, NODE)) == [
        "ip address delete 172.30.1.9/16 dev eth0",
        "ip address add 172.30.1.1/16 dev eth0",
        "ip route add default via 172.30.0.1 dev eth0",
    ]


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        (
            Route("default", "eth0", "172.30.0.9"),
            "ip route replace default via 172.30.0.1 dev eth0",
        ),
        (
            Neighbor("vxlan.1", "10.244.2.0", "02:00:00:00:02:99"),
            "ip neighbor replace 10.244.2.0 lladdr 02:00:00:00:02:04 dev vxlan.1 nud permanent",
        ),
        (
            FdbEntry("vxlan.1", "02:00:00:00:02:04", "172.30.1.9"),
            "bridge fdb replace 02:00:00:00:02:04 dev vxlan.1 dst 172.30.1.2",
        ),
        (
            NftTable("ip", "labctl", "damaged"),
            "nft -f - # table ip labctl, revision 0123456789ab",
        ),
        (Sysctl("net.ipv4.ip_forward", "0"), "sysctl -w net.ipv4.ip_forward=1"),
    ],
)
def test_what_is_wrong_is_replaced_in_place(wrong: Noun, line: str) -> None:
    plan = diff(NODE | [wrong], NODE)
    assert lines(plan) == [line]
    assert isinstance(plan[0], Replace)


def test_a_setting_that_nobody_asks_for_is_left_alone() -> None:
    assert diff(NetState([Sysctl("net.ipv4.ip_forward", "1")]), NetState()) == ()


@pytest.mark.parametrize(
    ("operation", "line"),
    [
        (Create(Route("10.244.2.0/24", "eth0", "172.30.1.2")), "ip route add 10.244.2.0/24 via 172.30.1.2 dev eth0"),
        (Delete(Route("fd00::/64", "eth0")), "ip -6 route delete fd00::/64 dev eth0"),
        (Delete(NftTable("ip", "labctl", "x")), "nft delete table ip labctl"),
        (Delete(Link("lo", "loopback", 65536)), "ip link set dev lo down"),
        (Create(Route("10.0.0.0/8", "eth0", metric=20)), "ip route add 10.0.0.0/8 dev eth0 metric 20"),
    ],
)  # fmt: skip
def test_an_operation_says_what_one_would_type(operation: Operation, line: str) -> None:
    assert operation.describe() == line
