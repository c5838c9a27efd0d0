"""The same laws against the real kernel: what is applied is what is observed."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from labctl.net import nft
from labctl.net.apply import apply
from labctl.net.diff import diff
from labctl.net.netlink import Netlink
from labctl.net.nouns import (
    LOOPBACK,
    Address,
    FdbEntry,
    Link,
    Neighbor,
    Noun,
    Peer,
    Route,
    Sysctl,
    Vxlan,
)
from labctl.net.observe import observe, observe_like
from labctl.net.state import NetState
from tests.net.conftest import MakeNetns
from tests.net.states import SETTINGS, states

KERNEL = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=[Phase.explicit, Phase.generate],
)
MASQUERADE = nft.render(
    "ip",
    "labctl",
    [
        nft.Set("nodes", "ipv4_addr", ("172.30.1.1", "172.30.1.2")),
        nft.Chain(
            "postrouting",
            ("ip daddr @nodes accept", "ip saddr 10.244.0.0/16 masquerade fully-random"),
            "type nat hook postrouting priority srcnat",
        ),
    ],
)


def node_state(peers: Path) -> NetState:
    """What the namespace of a node holds: every kind of noun."""
    cable = Peer("p-node1", str(peers), "02:00:00:00:00:f1", 1500)
    pod = Peer("eth0", str(peers), "02:00:00:00:00:f2", 1450)
    vtep = Vxlan(1, "172.30.1.1", "eth0")
    return NetState(
        [
            LOOPBACK,
            Sysctl("net.ipv4.ip_forward", "1"),
            Sysctl("net.ipv6.conf.default.addr_gen_mode", "1"),
            Sysctl("net.ipv4.conf.all.rp_filter", "0"),
            Sysctl("net.ipv4.conf.vxlan/1.rp_filter", "2"),
            Link("cni0", "bridge", 1450, "02:00:00:00:00:01"),
            Link("eth0", "veth", 1500, "02:00:00:00:00:02", peer=cable),
            Link("veth1", "veth", 1450, "02:00:00:00:00:03", True, "cni0", "ns/pod", peer=pod),
            Link("vxlan.1", "vxlan", 1450, "02:00:00:00:00:04", vxlan=vtep),
            Address("eth0", "172.30.1.1/16"),
            Address("cni0", "10.244.1.1/24"),
            Neighbor("vxlan.1", "10.244.2.0", "02:00:00:00:02:04"),
            Neighbor("cni0", "10.244.1.2", "02:00:00:00:00:f2"),
            FdbEntry("vxlan.1", "02:00:00:00:02:04", "172.30.1.2"),
            Route("10.244.2.0/24", "vxlan.1", "10.244.2.0", "172.30.1.1", onlink=True),
            Route("10.244.3.0/24", "eth0", "172.30.1.3", "172.30.1.1"),
            Route("10.9.0.0/16", "eth0"),
            Route("default", "eth0", "172.30.0.1"),
            MASQUERADE,
        ]
    )


@pytest.fixture
def node(netlink: Netlink, make_netns: MakeNetns) -> NetState:
    """A node's state, applied."""
    state = node_state(make_netns())
    apply(netlink, diff(observe_like(netlink, state), state))
    return state


def observed(netlink: Netlink) -> NetState:
    return observe(netlink, SETTINGS)


def test_a_new_namespace_is_empty(netlink: Netlink) -> None:
    assert observe(netlink) == NetState()


def test_after_apply_there_is_nothing_left_to_do(netlink: Netlink, node: NetState) -> None:
    assert observe_like(netlink, node) == node


def test_all_can_be_taken_away_again(netlink: Netlink, node: NetState) -> None:
    apply(netlink, diff(observe(netlink), NetState()))
    assert observe(netlink) == NetState()
    assert len(node) > 0


WOUNDS = [
    "ip link set lo down",
    "ip link delete cni0",
    "ip link delete veth1",
    "ip link delete vxlan.1",
    "ip link set cni0 down",
    "ip link set eth0 down",
    "ip link set eth0 mtu 1400",
    "ip link set cni0 mtu 1300",
    "ip link set cni0 address 02:00:00:00:00:99",
    "ip link set veth1 nomaster",
    "ip link set veth1 alias stolen",
    "ip address delete 172.30.1.1/16 dev eth0",
    "ip address flush dev cni0",
    "ip address add 10.244.1.9/24 dev cni0",
    "ip neighbor delete 10.244.2.0 dev vxlan.1",
    "ip neighbor replace 10.244.1.2 lladdr 02:00:00:00:00:99 dev cni0 nud permanent",
    "ip neighbor replace 10.244.1.2 lladdr 02:00:00:00:00:99 dev cni0 nud reachable",
    "bridge fdb delete 02:00:00:00:02:04 dev vxlan.1 dst 172.30.1.2",
    "bridge fdb replace 02:00:00:00:02:04 dev vxlan.1 dst 172.30.1.9",
    "ip route delete 10.244.3.0/24",
    "ip route replace blackhole 10.244.3.0/24",
    "ip route replace 10.244.3.0/24 nexthop via 172.30.1.3 nexthop via 172.30.1.4",
    "ip route add 10.66.0.0/16 via 172.30.1.9",
    "ip route replace default via 172.30.0.9",
    "ip route flush table main",
    "ip route delete 10.244.1.0/24 dev cni0",
    "sysctl -qw net.ipv4.ip_forward=0",
    "sysctl -qw net.ipv4.conf.vxlan/1.rp_filter=1",
    "nft delete table ip labctl",
    "nft flush chain ip labctl postrouting",
    "nft add rule ip labctl postrouting accept",
    "nft add element ip labctl nodes { 10.244.2.2 }",
    "nft flush set ip labctl nodes",
    "nft add chain ip labctl stray",
]


@pytest.mark.parametrize("wound", WOUNDS)
def test_a_wound_is_seen_and_mended_in_one_pass(
    wound: str, netns: Path, netlink: Netlink, node: NetState
) -> None:
    type_in(netns, wound)
    plan = diff(observe_like(netlink, node), node)
    assert plan
    apply(netlink, plan)
    assert diff(observe_like(netlink, node), node) == ()


def test_another_vni_is_mended_by_another_device(
    netns: Path, netlink: Netlink, node: NetState
) -> None:
    type_in(netns, "ip link delete vxlan.1")
    type_in(netns, "ip link add vxlan.1 up type vxlan id 9 dev eth0 dstport 8472")
    apply(netlink, diff(observe_like(netlink, node), node))
    assert observe_like(netlink, node) == node


def test_the_described_commands_when_typed_do_the_same(make_netns: MakeNetns) -> None:
    typed, peers = make_netns(), make_netns()
    state = node_state(peers)
    with Netlink.at(typed) as netlink:
        for operation in diff(observe_like(netlink, state), state):
            text = MASQUERADE.text if operation.noun == MASQUERADE else ""
            type_in(typed, operation.describe(), text)
        found = observe_like(netlink, state)
    # typed by hand, the table lacks the seal that says it is whole
    assert [o.noun for o in diff(found, state)] == [MASQUERADE]


@pytest.mark.parametrize(
    "stray",
    [
        "ip link set lo up",
        "nft add table ip other",
        "ip link add br1 type bridge",
        "ip neighbor add 10.0.0.9 lladdr 02:00:00:00:00:09 dev lo nud reachable",
    ],
)
def test_only_what_is_somebodys_is_observed(stray: str, netns: Path, netlink: Netlink) -> None:
    type_in(netns, stray)
    kinds = {type(noun) for noun in observe(netlink)}
    assert kinds <= {Link}


@pytest.mark.parametrize(
    "noun",
    [
        Address("br0", "fd00::1/64"),
        Route("fd01::/64", "br0", "fd00::9"),
        Route("::/0", "br0", "fd00::9"),
        Neighbor("br0", "fd00::9", "02:00:00:00:00:09"),
    ],
)
def test_ipv6_is_the_same(noun: Noun, netlink: Netlink) -> None:
    quiet = Sysctl("net.ipv6.conf.default.addr_gen_mode", "1")
    bridge = Link("br0", "bridge", 1500, "02:00:00:00:00:01")
    state = NetState([quiet, bridge, Address("br0", "fd00::1/64"), noun])
    apply(netlink, diff(observe_like(netlink, state), state))
    assert observe_like(netlink, state) == state
    apply(netlink, diff(observe(netlink), NetState()))
    assert observe(netlink) == NetState()


@KERNEL
@given(data=st.data())
def test_the_kernel_goes_from_any_state_to_any_other(
    data: st.DataObject, make_netns: MakeNetns
) -> None:
    here, peers = make_netns(), make_netns()
    before, wanted = data.draw(states(peers)), data.draw(states(peers))
    with Netlink.at(here) as netlink:
        apply(netlink, diff(observed(netlink), before))
        assert diff(observed(netlink), before) == ()
        plan = diff(observed(netlink), wanted)
        apply(netlink, plan[: data.draw(st.integers(0, len(plan)))])  # and is interrupted
        apply(netlink, diff(observed(netlink), wanted))
        assert diff(observed(netlink), wanted) == ()


def type_in(netns: Path, line: str, text: str = "") -> None:
    command = ["nsenter", f"--net={netns}", "sh", "-c", line]
    subprocess.run(command, input=text, text=True, check=True, capture_output=True)
