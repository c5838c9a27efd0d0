"""Goldens: what a node's network should be, as the commands one would type to make it."""

from dataclasses import replace

import pytest

from labctl.api.objects import Obj
from labctl.net.diff import diff
from labctl.net.nouns import Address, FdbEntry, Link, Neighbor, NftTable, Noun, Route, Sysctl
from labctl.net.operations import Create, Delete
from labctl.net.state import NetState
from labctl.node.desired import desired
from labctl.node.domain import node_domain
from labctl.node.pod_side import desired_pod
from labctl.node.snapshot import Snapshot, node_place, node_with_place, snapshot
from tests.node.cluster import NODES, cluster, node, port, spec

HOST_GW = """\
ip link set dev lo up
ip link add cni0 mtu 1500 address 02:e0:be:cc:13:6e up type bridge
ip link add eth0 mtu 1500 address 02:6b:8c:86:83:ac up type veth
ip link add vethca541ca8 mtu 1500 address 02:c4:b3:04:53:04 master cni0 up type veth \
peer name eth0 mtu 1500 address 02:1d:e0:80:a8:db netns /proc/4711/ns/net \
&& ip link set dev vethca541ca8 alias default/web-2
ip address add 10.244.1.1/24 dev cni0
ip address add 172.30.1.1/16 dev eth0
ip neighbor add 10.244.1.2 lladdr 02:1d:e0:80:a8:db dev cni0 nud permanent
ip neighbor add 172.30.0.1 lladdr 02:74:c9:56:04:04 dev eth0 nud permanent
ip neighbor add 172.30.0.2 lladdr 02:96:82:66:65:14 dev eth0 nud permanent
ip neighbor add 172.30.1.2 lladdr 02:47:e1:60:8d:70 dev eth0 nud permanent
ip neighbor add 172.30.1.3 lladdr 02:a8:d3:c6:82:c9 dev eth0 nud permanent
nft -f - # table ip labctl, revision bf1ef9fa1e56
ip route add 10.244.2.0/24 via 172.30.1.2 dev eth0 src 172.30.1.1
ip route add 10.244.3.0/24 via 172.30.1.3 dev eth0 src 172.30.1.1
ip route add default via 172.30.0.1 dev eth0
"""

VXLAN = """\
ip link set dev lo up
ip link add cni0 mtu 1450 address 02:e0:be:cc:13:6e up type bridge
ip link add eth0 mtu 1500 address 02:6b:8c:86:83:ac up type veth
ip link add vxlan.1 mtu 1450 address 02:6f:fc:67:c4:4b up type vxlan id 1 local 172.30.1.1 \
dev eth0 dstport 8472 nolearning
ip address add 10.244.1.1/24 dev cni0
ip address add 172.30.1.1/16 dev eth0
ip address add 10.244.1.0/32 dev vxlan.1
ip neighbor add 172.30.0.1 lladdr 02:74:c9:56:04:04 dev eth0 nud permanent
ip neighbor add 172.30.0.2 lladdr 02:96:82:66:65:14 dev eth0 nud permanent
ip neighbor add 172.30.1.2 lladdr 02:47:e1:60:8d:70 dev eth0 nud permanent
ip neighbor add 172.30.1.3 lladdr 02:a8:d3:c6:82:c9 dev eth0 nud permanent
ip neighbor add 10.244.2.0 lladdr 02:84:7d:a3:4b:2b dev vxlan.1 nud permanent
ip neighbor add 10.244.3.0 lladdr 02:f0:6b:39:a2:c6 dev vxlan.1 nud permanent
bridge fdb add 02:84:7d:a3:4b:2b dev vxlan.1 dst 172.30.1.2
bridge fdb add 02:f0:6b:39:a2:c6 dev vxlan.1 dst 172.30.1.3
nft -f - # table ip labctl, revision bf1ef9fa1e56
ip route add 10.244.2.0/24 via 10.244.2.0 dev vxlan.1 onlink src 172.30.1.1
ip route add 10.244.3.0/24 via 10.244.3.0 dev vxlan.1 onlink src 172.30.1.1
ip route add default via 172.30.0.1 dev eth0
"""

MASQUERADE = """\
	chain postrouting {
		type nat hook postrouting priority srcnat; policy accept;
		ip saddr != 10.244.0.0/16 accept
		ip daddr 10.244.0.0/16 accept
		ip daddr @nodes accept
		ip daddr 224.0.0.0/4 accept
		fib daddr type local accept
		masquerade fully-random
	}
"""

POD = """\
ip link set dev lo up
ip link add eth0 mtu 1450 address 02:1d:e0:80:a8:db up type veth
ip address add 10.244.1.2/24 dev eth0
ip neighbor add 10.244.1.1 lladdr 02:e0:be:cc:13:6e dev eth0 nud permanent
ip route add default via 10.244.1.1 dev eth0
"""


def commands(state: NetState) -> str:
    made = diff(NetState(), state.select(lambda noun: not isinstance(noun, Sysctl)))
    return "".join(f"{one.describe()}\n" for one in made)


def changes(before: NetState, after: NetState) -> list[str]:
    return [one.describe() for one in diff(before, after)]


def of_kind(state: NetState, kind: type[Noun]) -> list[Noun]:
    return [noun for noun in state if isinstance(noun, kind)]


def test_host_gw_is_one_plain_route_for_each_other_node() -> None:
    assert commands(desired(cluster("host-gw", (port(2),)), "node1")) == HOST_GW


def test_vxlan_is_a_neighbour_an_fdb_entry_and_a_route_for_each_other_node() -> None:
    assert commands(desired(cluster("vxlan"), "node1")) == VXLAN


def test_masquerade_is_for_what_leaves_the_cluster_and_its_nodes() -> None:
    (table,) = of_kind(desired(cluster(), "node2"), NftTable)
    assert isinstance(table, NftTable)
    assert MASQUERADE in table.text
    assert all(f"172.30.1.{number},\n" in table.text for number in (1, 2, 3))


def test_a_pods_own_side() -> None:
    assert commands(desired_pod(cluster("vxlan"), "node1", port(2))) == POD


@pytest.mark.parametrize("backend", ["host-gw", "vxlan"])
def test_every_setting_is_spelled_out_for_every_device_that_routes(backend: str) -> None:
    settings = {
        n.name: n.value for n in desired(cluster(backend), "node1") if isinstance(n, Sysctl)
    }
    devices = ["all", "default", "eth0", "cni0", *(["vxlan/1"] if backend == "vxlan" else [])]
    assert settings["net.ipv4.ip_forward"] == "1"
    assert settings["net.bridge.bridge-nf-call-iptables"] == "1"
    for device in devices:
        assert settings[f"net.ipv4.conf.{device}.rp_filter"] == "0"
        assert settings[f"net.ipv4.conf.{device}.send_redirects"] == "0"


def test_the_change_of_backend_takes_away_what_the_other_one_had() -> None:
    before, after = (desired(cluster(one), "node1") for one in ("vxlan", "host-gw"))
    assert changes(before, after) == [
        "ip address delete 10.244.1.0/32 dev vxlan.1",
        "ip link set dev cni0 mtu 1500",
        "ip route add 10.244.2.0/24 via 172.30.1.2 dev eth0 src 172.30.1.1",
        "ip route add 10.244.3.0/24 via 172.30.1.3 dev eth0 src 172.30.1.1",
        "ip link delete dev vxlan.1",
    ]


def test_a_node_that_comes_is_one_route_more_and_nothing_else() -> None:
    lab = spec()
    two = snapshot(lab, [node(name, lab) for name in NODES[:2]])
    assert changes(desired(two, "node1"), desired(cluster(), "node1")) == [
        "ip route add 10.244.3.0/24 via 172.30.1.3 dev eth0 src 172.30.1.1"
    ]


def test_what_is_kept_of_a_node_gives_the_same_place() -> None:
    lab = spec()
    wholes: list[Obj] = [node("node1", lab), {**node("node2", lab), "spec": {}}, {"metadata": {}}]
    for whole in wholes:
        whole["metadata"] |= {"labels": {"a": "b"}, "name": "x", "resourceVersion": "7"}
        kept = node_with_place(whole)
        assert node_place(kept) == node_place(whole)
        assert kept["metadata"].keys() <= {"name", "uid", "resourceVersion"}


def test_a_node_without_a_pod_cidr_is_not_yet_reached() -> None:
    lab = spec("vxlan")
    new = {**node("node3", lab), "spec": {}}
    state = desired(snapshot(lab, [node("node1", lab), new]), "node1")
    assert of_kind(state, FdbEntry) == []
    assert [one.key[1] for one in of_kind(state, Route)] == ["default"]


def test_two_pods_differ_in_port_and_neighbour_only() -> None:
    one, two = (desired(cluster(ports=(port(2), *more)), "node1") for more in ((), (port(3),)))
    extra = [noun for noun in two if noun not in one]
    assert [type(noun) for noun in extra] == [Link, Neighbor]


def test_only_what_is_the_agents_own_is_ever_taken_away() -> None:
    wanted = desired(cluster("vxlan"), "node1")
    strays: list[Noun] = [
        Route("10.244.2.0/25", "", gateway=""),
        Route("10.244.9.0/24", "eth0", gateway="172.30.1.9"),
        Neighbor("vxlan.1", "10.244.9.0", "02:00:00:00:00:09"),
    ]
    foreign: list[Noun] = [
        Link("mybridge", "bridge", 1500, "02:00:00:00:00:01"),
        Route("198.51.100.0/24", "mybridge"),
        Neighbor("eth0", "172.30.7.7", "02:00:00:00:00:07"),
    ]
    observed = wanted | [*strays, *foreign]
    planned = diff(node_domain(observed, wanted, cluster()), wanted)
    assert {one.noun for one in planned} == set(strays)
    assert {type(one) for one in planned} == {Delete}


def with_plugins(backend: str = "host-gw", *, masquerade: bool = True) -> Snapshot:
    return replace(cluster(backend), plugins=True, masquerade=masquerade)


@pytest.mark.parametrize("backend", ["host-gw", "vxlan"])
def test_with_plugins_the_bridge_is_theirs_and_the_ways_between_nodes_stay(backend: str) -> None:
    ours, theirs = (desired(one, "node1") for one in (cluster(backend), with_plugins(backend)))
    assert {noun.interface for noun in ours if noun not in theirs} - {""} <= {"cni0"}
    settings = [one.key[1] for one in ours if one not in theirs and isinstance(one, Sysctl)]
    assert settings
    assert all(".conf.cni0." in name for name in settings)
    assert of_kind(theirs, Route) == of_kind(ours, Route)
    assert of_kind(theirs, NftTable) == of_kind(ours, NftTable)
    assert of_kind(desired(with_plugins(backend, masquerade=False), "node1"), NftTable) == []


def test_what_plugins_make_on_a_node_is_left_alone() -> None:
    snapshot = with_plugins("vxlan")
    wanted = desired(snapshot, "node1")
    theirs: list[Noun] = [
        Link("cni0", "bridge", 1450, "02:00:00:00:00:01"),
        Address("cni0", "10.244.1.1/24"),
        Route("10.244.1.7/32", "veth0a1b2c3d"),
    ]
    strays: list[Noun] = [Route("10.244.9.0/24", "eth0", gateway="172.30.1.9")]
    observed = wanted | [*theirs, *strays]
    planned = diff(node_domain(observed, wanted, snapshot), wanted)
    assert [one.noun for one in planned] == strays


def test_what_is_missing_is_made() -> None:
    wanted = desired(cluster(), "node1")
    lost = Route("default", "eth0", gateway="172.30.0.1")
    observed = wanted.without([lost.key])
    assert diff(node_domain(observed, wanted, cluster()), wanted) == (Create(lost),)
