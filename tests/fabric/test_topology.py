"""The fabric as a value."""

from hypothesis import given
from hypothesis import strategies as st

from labctl import fabric, names
from labctl.api.lab import LabSpec, NetworkSpec, NodeSpec, numbered_nodes
from labctl.fabric.topology import port_of
from labctl.net.diff import diff
from labctl.net.nouns import Link, Neighbor
from labctl.net.state import NetState


def spec(nodes: int, mtu: int = 1500) -> LabSpec:
    return LabSpec("demo", numbered_nodes(nodes), NetworkSpec(mtu=mtu))


def commands(nodes: int, netns: str) -> list[str]:
    state = fabric.desired_fabric(spec(nodes))[netns]
    lines = [operation.describe() for operation in diff(NetState(), state)]
    return [line for line in lines if not line.startswith("sysctl")]


def test_a_lab_has_a_namespace_for_each_machine_and_the_fabric_first() -> None:
    assert list(fabric.desired_fabric(spec(2))) == [
        "labctl.demo.fabric",
        "labctl.demo.outside",
        "labctl.demo.control-plane",
        "labctl.demo.node.node1",
        "labctl.demo.node.node2",
    ]


def test_the_fabric_is_a_bridge_a_router_and_cables() -> None:
    router, control_plane = names.mac_address("router"), names.mac_address("control-plane")
    port, node = names.mac_address("port", "p-node1"), names.node_mac("node1")
    control_port = names.mac_address("port", "control-plane")
    uplink, outside = names.mac_address("router", "outside"), names.mac_address("outside")
    control_peer = f"mtu 1500 address {control_plane} netns labctl.demo.control-plane"
    outside_peer = f"mtu 1500 address {outside} netns labctl.demo.outside"
    node_peer = f"mtu 1500 address {node} netns labctl.demo.node.node1"
    alias = "ip link set dev p-node1 alias node1"
    on_bridge = "master underlay up type veth peer name eth0"
    assert commands(1, "labctl.demo.fabric") == [
        "ip link set dev lo up",
        f"ip link add underlay mtu 1500 address {router} up type bridge",
        f"ip link add control-plane mtu 1500 address {control_port} {on_bridge} {control_peer}",
        f"ip link add outside mtu 1500 address {uplink} up type veth peer name eth0 {outside_peer}",
        f"ip link add p-node1 mtu 1500 address {port} {on_bridge} {node_peer} && {alias}",
        "ip address add 203.0.113.1/24 dev outside",
        "ip address add 172.30.0.1/16 dev underlay",
        f"ip neighbor add 203.0.113.10 lladdr {outside} dev outside nud permanent",
        f"ip neighbor add 172.30.0.2 lladdr {control_plane} dev underlay nud permanent",
        f"ip neighbor add 172.30.1.1 lladdr {node} dev underlay nud permanent",
    ]


def test_a_node_has_its_end_of_the_cable_an_address_and_the_router() -> None:
    router, control_plane = names.mac_address("router"), names.mac_address("control-plane")
    assert commands(2, "labctl.demo.node.node2") == [
        "ip link set dev lo up",
        f"ip link add eth0 mtu 1500 address {names.node_mac('node2')} up type veth",
        "ip address add 172.30.1.2/16 dev eth0",
        f"ip neighbor add 172.30.0.1 lladdr {router} dev eth0 nud permanent",
        f"ip neighbor add 172.30.0.2 lladdr {control_plane} dev eth0 nud permanent",
        "ip route add default via 172.30.0.1 dev eth0",
    ]


@given(nodes=st.integers(1, 60), mtu=st.sampled_from([576, 1500, 9000]))
def test_every_cable_has_two_ends_that_agree(nodes: int, mtu: int) -> None:
    states = fabric.desired_fabric(spec(nodes, mtu))
    switch = states.pop("labctl.demo.fabric")
    peers = {link.peer for link in switch if isinstance(link, Link) and link.peer}
    assert {peer.netns.rpartition("/")[2] for peer in peers} == set(states)
    for peer in peers:
        end = states[peer.netns.rpartition("/")[2]].get(("link", peer.name))
        assert isinstance(end, Link)
        assert (end.mac, end.mtu) == (peer.mac, peer.mtu) == (peer.mac, mtu)


@given(nodes=st.integers(1, 60))
def test_no_two_interfaces_have_one_name_or_mac(nodes: int) -> None:
    for state in fabric.desired_fabric(spec(nodes)).values():
        links = [noun for noun in state if isinstance(noun, Link) and noun.mac]
        macs = [link.mac for link in links] + [link.peer.mac for link in links if link.peer]
        assert len(set(macs)) == len(macs)
        assert all(len(link.name) <= 15 for link in links)


def test_who_can_know_a_mac_need_not_ask_for_it() -> None:
    states = fabric.desired_fabric(spec(3))
    known = {
        netns: {noun.address for noun in state if isinstance(noun, Neighbor)}
        for netns, state in states.items()
    }
    nodes = {"172.30.1.1", "172.30.1.2", "172.30.1.3"}
    assert known["labctl.demo.fabric"] == nodes | {"172.30.0.2", "203.0.113.10"}
    assert known["labctl.demo.control-plane"] == nodes | {"172.30.0.1"}
    assert known["labctl.demo.node.node1"] == {"172.30.0.1", "172.30.0.2"}


def test_a_switch_port_is_named_after_the_machine_and_a_node_may_be_called_anything() -> None:
    assert port_of(spec(2), "node2") == "p-node2"
    assert port_of(spec(2), "control-plane") == "control-plane"
    odd = LabSpec("demo", (NodeSpec("control-plane"),))
    assert port_of(odd, "control-plane") == names.port_name("control-plane")
