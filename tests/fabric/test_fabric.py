"""A real fabric: made, changed, broken, cut, removed."""

import os
import socket
import subprocess
from pathlib import Path

import pytest

from labctl import fabric, names
from labctl.api.lab import LabSpec, NetworkSpec, NodeSpec, numbered_nodes
from labctl.errors import NetError
from labctl.net import namespaces
from labctl.net.namespaces import netns_path, socket_in
from labctl.net.netlink import Netlink
from labctl.net.nouns import Link
from labctl.net.observe import observe
from labctl.net.state import NetState
from tests.net.probe import answered

OUTSIDE = "203.0.113.10"


def spec(lab: str, nodes: int = 3, mtu: int = 1500) -> LabSpec:
    return LabSpec(lab, numbered_nodes(nodes), NetworkSpec(mtu=mtu))


def node(lab: str, number: int) -> Path:
    return netns_path(names.node_netns(lab, f"node{number}"))


def outside(lab: str) -> Path:
    return netns_path(names.outside_netns(lab))


def type_in(netns: Path, line: str) -> None:
    subprocess.run(["nsenter", f"--net={netns}", *line.split()], check=True)


def links(netns: Path) -> dict[str, Link]:
    with Netlink.at(netns) as netlink:
        return {noun.name: noun for noun in observe(netlink) if isinstance(noun, Link)}


EVERYONE = {
    "node.node2": "172.30.1.2",
    "fabric": "172.30.0.1",
    "control-plane": "172.30.0.2",
    "outside": OUTSIDE,
}


@pytest.mark.parametrize("place", EVERYONE)
def test_a_node_reaches_everyone(place: str, lab: str) -> None:
    fabric.converge(spec(lab))
    assert answered(node(lab, 1), netns_path(f"labctl.{lab}.{place}"), EVERYONE[place])


def test_the_router_forwards_whatever_source_it_is_given(lab: str) -> None:
    """So a masquerade that is missing shows at outside, untranslated."""
    fabric.converge(spec(lab, 1))
    type_in(node(lab, 1), "ip address add 10.244.1.1/32 dev lo")
    with (
        socket_in(outside(lab), socket.AF_INET, socket.SOCK_DGRAM) as receiver,
        socket_in(node(lab, 1), socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        receiver.settimeout(5)
        receiver.bind((OUTSIDE, 9))
        sender.bind(("10.244.1.1", 0))
        sender.sendto(b"?", (OUTSIDE, 9))
        assert receiver.recvfrom(1)[1][0] == "10.244.1.1"


def test_once_made_there_is_nothing_to_do(lab: str) -> None:
    assert fabric.converge(spec(lab))
    assert fabric.converge(spec(lab)) == {}


def test_nodes_are_added_beside_those_that_stay(lab: str) -> None:
    fabric.converge(spec(lab, 2))
    before = os.stat(node(lab, 1)).st_ino
    done = fabric.converge(spec(lab, 4))
    assert sorted(done) == [
        names.control_plane_netns(lab),
        names.fabric_netns(lab),
        names.node_netns(lab, "node3"),
        names.node_netns(lab, "node4"),
    ]
    assert os.stat(node(lab, 1)).st_ino == before
    assert answered(node(lab, 1), node(lab, 4), "172.30.1.4")


def test_nodes_that_the_lab_no_longer_has_go(lab: str) -> None:
    fabric.converge(spec(lab, 3))
    fabric.converge(spec(lab, 1))
    assert not node(lab, 3).exists()
    assert "p-node3" not in links(netns_path(names.fabric_netns(lab)))
    assert fabric.converge(spec(lab, 1)) == {}


def test_the_mtu_of_every_cable_follows_the_lab_file(lab: str) -> None:
    fabric.converge(spec(lab, 1, 1500))
    fabric.converge(spec(lab, 1, 9000))
    mtus = {
        link.mtu
        for netns in namespaces.pinned(names.netns_prefix(lab))
        for link in links(netns_path(netns)).values()
        if link.kind != "loopback"
    }
    assert mtus == {9000}


def test_long_node_names_get_ports_of_their_own(lab: str) -> None:
    long = [NodeSpec(f"a-very-long-node-name-number-{n}") for n in (1, 2)]
    fabric.converge(LabSpec(lab, tuple(long)))
    ports = links(netns_path(names.fabric_netns(lab)))
    assert {port.alias for port in ports.values() if port.alias} == {spec.name for spec in long}


WOUNDS = [
    ("fabric", "ip link delete p-node1"),
    ("fabric", "ip link set p-node1 nomaster"),
    ("fabric", "ip link delete underlay"),
    ("fabric", "ip link set outside down"),
    ("fabric", "ip address flush dev underlay"),
    ("fabric", "sysctl -qw net.ipv4.ip_forward=0"),
    ("outside", "ip route flush table main"),
    ("node.node1", "ip link set eth0 mtu 1000"),
    ("node.node1", "ip link delete eth0"),
    ("node.node1", "ip route delete default"),
]


@pytest.mark.parametrize(("place", "wound"), WOUNDS)
def test_what_was_broken_by_hand_is_whole_again(place: str, wound: str, lab: str) -> None:
    fabric.converge(spec(lab, 2))
    type_in(netns_path(f"labctl.{lab}.{place}"), wound)
    assert fabric.converge(spec(lab, 2))
    assert answered(node(lab, 1), outside(lab), OUTSIDE)
    assert answered(node(lab, 1), node(lab, 2), "172.30.1.2")
    assert fabric.converge(spec(lab, 2)) == {}


@pytest.mark.parametrize("place", ["fabric", "outside", "control-plane", "node.node1"])
def test_a_namespace_whose_pin_was_dropped_is_made_anew(place: str, lab: str) -> None:
    fabric.converge(spec(lab, 2))
    namespaces.delete_netns(f"labctl.{lab}.{place}")
    fabric.converge(spec(lab, 2))
    assert answered(node(lab, 1), node(lab, 2), "172.30.1.2")
    assert answered(node(lab, 1), outside(lab), OUTSIDE)


def test_a_pin_that_leads_nowhere_is_put_right(lab: str) -> None:
    netns_path(names.node_netns(lab, "node1")).parent.mkdir(exist_ok=True)
    netns_path(names.node_netns(lab, "node1")).touch()
    fabric.converge(spec(lab, 1))
    assert answered(node(lab, 1), outside(lab), OUTSIDE)


def test_what_the_agent_put_into_a_node_is_left_alone(lab: str) -> None:
    fabric.converge(spec(lab, 1))
    type_in(node(lab, 1), "ip link add cni0 up type bridge")
    type_in(node(lab, 1), "ip route add 10.244.2.0/24 via 172.30.1.2")
    type_in(node(lab, 1), "sysctl -qw net.ipv4.conf.all.rp_filter=2")
    assert fabric.converge(spec(lab, 1)) == {}


def test_a_node_whose_cable_is_cut_is_alone_until_it_is_mended(lab: str) -> None:
    fabric.converge(spec(lab, 2))
    for _ in range(2):
        fabric.cut(spec(lab), "node1")
    assert not answered(node(lab, 1), node(lab, 2), "172.30.1.2", seconds=0.2)
    assert not answered(node(lab, 2), node(lab, 1), "172.30.1.1", seconds=0.2)
    for _ in range(2):
        fabric.mend(spec(lab), "node1")
    assert answered(node(lab, 1), node(lab, 2), "172.30.1.2")


def test_a_cable_that_is_cut_stays_out_when_the_lab_converges(lab: str) -> None:
    fabric.converge(spec(lab, 2))
    fabric.cut(spec(lab), "node1")
    assert fabric.converge(spec(lab, 2), cut={"node1"}) == {}
    fabric.converge(spec(lab, 2))
    assert answered(node(lab, 1), node(lab, 2), "172.30.1.2")


def test_the_control_plane_has_a_cable_too(lab: str) -> None:
    fabric.converge(spec(lab, 1))
    control_plane = netns_path(names.control_plane_netns(lab))
    fabric.cut(spec(lab, 1), fabric.CONTROL_PLANE)
    assert not answered(node(lab, 1), control_plane, names.CONTROL_PLANE_ADDRESS, seconds=0.2)
    assert fabric.converge(spec(lab, 1), cut={fabric.CONTROL_PLANE}) == {}
    assert fabric.converge(spec(lab, 1))
    assert answered(node(lab, 1), control_plane, names.CONTROL_PLANE_ADDRESS)


def test_a_living_namespace_that_lost_its_name_gets_it_back(lab: str) -> None:
    fabric.converge(spec(lab, 1))
    pin = node(lab, 1)
    with pin.open() as held:
        inode = pin.stat().st_ino
        namespaces.delete_netns(pin.name)
        living = {pin.name: f"/proc/self/fd/{held.fileno()}"}
        assert fabric.converge(spec(lab, 1), living=living) == {}
        assert pin.stat().st_ino == inode
        namespaces.delete_netns(pin.name)
        here = {pin.name: "/proc/self/ns/net"}  # of an agent that has not entered it yet
        assert fabric.converge(spec(lab, 1), living=here)
        assert pin.stat().st_ino not in {inode, Path("/proc/self/ns/net").stat().st_ino}


def test_a_node_that_boots_has_its_cable_and_nothing_else(lab: str) -> None:
    fabric.converge(spec(lab, 2))
    blank = observe_node(lab)
    for line in (
        "ip link add cni0 up type bridge",
        "ip route add 10.244.2.0/24 via 172.30.1.2",
        "ip neighbor add 172.30.1.2 lladdr 02:00:00:00:00:01 nud permanent dev eth0",
        "ip route delete default",
    ):
        type_in(node(lab, 1), line)
    assert observe_node(lab) != blank
    fabric.boot(spec(lab, 2), "node1")
    assert observe_node(lab) == blank
    assert answered(node(lab, 1), outside(lab), OUTSIDE)


def observe_node(lab: str) -> NetState:
    with Netlink.at(node(lab, 1)) as netlink:
        return observe(netlink)


def test_only_a_node_that_there_is_can_be_cut(lab: str) -> None:
    fabric.converge(spec(lab, 1))
    with pytest.raises(NetError, match="p-node7"):
        fabric.cut(spec(lab), "node7")


def test_two_labs_with_the_same_addresses_do_not_meet(lab: str) -> None:
    other = lab + "b"
    try:
        fabric.converge(spec(lab, 2))
        fabric.converge(spec(other, 2))
        assert answered(node(other, 1), node(other, 2), "172.30.1.2")
        assert not answered(node(lab, 1), node(other, 2), "172.30.1.2", seconds=0.2)
    finally:
        fabric.remove(other)


def test_a_packet_that_waits_for_a_silent_neighbor_does_not_hold_up_removal(lab: str) -> None:
    fabric.converge(spec(lab, 1))
    with socket_in(node(lab, 1), socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"?", ("172.30.1.99", 9))
    fabric.remove(lab, seconds=2)  # the kernel would ask for three


def test_a_removed_fabric_leaves_nothing(lab: str) -> None:
    fabric.converge(spec(lab, 3))
    fabric.remove(lab)
    assert namespaces.pinned(names.netns_prefix(lab)) == ()
    assert lab not in Path("/proc/self/mounts").read_text()
    fabric.remove(lab)


def test_a_namespace_that_somebody_still_holds_loses_its_cable_and_its_name(lab: str) -> None:
    fabric.converge(spec(lab, 2))
    with socket_in(node(lab, 2), socket.AF_INET, socket.SOCK_DGRAM) as held:
        fabric.remove(lab, seconds=2)
        assert namespaces.pinned(names.netns_prefix(lab)) == ()
        with pytest.raises(OSError, match="No such device"):
            held.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0\0")


def test_what_the_dead_had_to_say_over_a_cable_that_is_cut_does_not_hold_up_removal(
    lab: str,
) -> None:
    fabric.converge(spec(lab, 1))
    router = netns_path(names.fabric_netns(lab))
    with (
        socket_in(router, socket.AF_INET, socket.SOCK_STREAM) as server,
        socket_in(node(lab, 1), socket.AF_INET, socket.SOCK_STREAM) as client,
    ):
        server.bind((names.ROUTER_ADDRESS, 9))
        server.listen()
        client.connect((names.ROUTER_ADDRESS, 9))
        fabric.cut(spec(lab), "node1")
        client.sendall(b"?")
    fabric.remove(lab, seconds=2)  # TCP would go on for a minute or two
    assert namespaces.pinned(names.netns_prefix(lab)) == ()
