"""The network of two nodes in the real kernel: made, found as it should be, and crossed by pings."""

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from labctl.net.netlink import Netlink
from labctl.net.nouns import Route
from labctl.net.operations import Create, Delete
from labctl.net.veth import delete_port
from labctl.node.network import Network
from labctl.node.snapshot import PodPort
from tests.node.cluster import cluster, port
from tests.node.conftest import MakeNetns


class Node:
    """A node's namespace and its network, with one pod."""

    def __init__(self, name: str, netns: Path, netlink: Netlink, pod: Path, subnet: int) -> None:
        self.netns = netns
        self.netlink = netlink
        self.network = Network(name, netlink)
        self.pod = pod
        self.port = port(2, str(pod), subnet)


@pytest.fixture
def nodes(two_nodes: tuple[Path, Path], make_netns: MakeNetns) -> Iterator[tuple[Node, Node]]:
    with ExitStack() as stack:
        first, second = (
            Node(f"node{n}", netns, stack.enter_context(Netlink.at(netns)), make_netns(), n)
            for n, netns in enumerate(two_nodes, 1)
        )
        yield first, second


def up(nodes: tuple[Node, Node], backend: str) -> None:
    for node in nodes:
        node.network.update(cluster(backend))
        node.network.attach(node.port)


def pings(source: Path, target: str) -> bool:
    command = ["ip", "netns", "exec", source.name, "ping", "-c1", "-W2", "-q", target]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def run_in(netns: Path, command: str) -> None:
    subprocess.run(["ip", "netns", "exec", netns.name, *command.split()], check=True)


@pytest.mark.parametrize("backend", ["host-gw", "vxlan"])
def test_pods_of_two_nodes_ping_each_other_and_nothing_is_left_to_do(
    nodes: tuple[Node, Node], backend: str
) -> None:
    up(nodes, backend)
    first, second = nodes
    assert pings(first.pod, second.port.address)
    assert pings(second.pod, "172.30.1.1")
    assert pings(first.netns, second.port.address)
    for node in nodes:
        assert node.network.heal() == ()
        assert node.network.heal_pod(node.port) == ()
        assert node.network.tables_are_right()


def test_the_backend_changes_under_running_pods(nodes: tuple[Node, Node]) -> None:
    up(nodes, "host-gw")
    for backend in ("vxlan", "host-gw"):
        for node in nodes:
            node.network.update(cluster(backend))
        assert pings(nodes[0].pod, nodes[1].port.address)
        for node in nodes:
            assert node.network.heal() == ()
            assert node.network.heal_pod(node.port) == ()


def test_a_restarted_agent_takes_over_what_is_there(nodes: tuple[Node, Node]) -> None:
    up(nodes, "vxlan")
    node = nodes[0]
    again = Network("node1", node.netlink)
    again.adopt([node.port])
    assert again.update(cluster("vxlan")) == ()
    assert again.is_attached(node.port)
    assert again.take_address("another") != node.port.address


@pytest.mark.parametrize(
    "wound",
    [
        "ip route del 10.244.2.0/24",
        "ip neighbor del 10.244.2.0 dev vxlan.1",
        "ip link del vxlan.1",
        "ip link set vxlan.1 down",
        "ip link set cni0 down",
        "ip link del cni0",
        "ip link set cni0 mtu 1000",
        "ip link set cni0 address 02:00:00:00:00:01",
        "ip address del 10.244.1.1/24 dev cni0",
        "ip address del 172.30.1.1/16 dev eth0",
        "ip link set eth0 down",
        "ip neighbor flush nud permanent dev cni0",
        "sysctl -qw net.ipv4.ip_forward=0",
        "sysctl -qw net.ipv4.conf.all.rp_filter=1",
        "nft delete table ip labctl",
        "nft flush chain ip labctl postrouting",
        "nft insert rule ip labctl postrouting counter drop",
        "ip route add 10.244.9.0/24 dev cni0",
        "ip route add blackhole 10.244.2.0/25",
    ],
)
def test_a_wound_is_mended_in_one_go(nodes: tuple[Node, Node], wound: str) -> None:
    up(nodes, "vxlan")
    run_in(nodes[0].netns, wound)
    assert nodes[0].network.heal() != ()
    assert nodes[0].network.heal() == ()
    assert pings(nodes[0].pod, nodes[1].port.address)


def test_a_deleted_port_comes_back_with_the_pods_side(nodes: tuple[Node, Node]) -> None:
    up(nodes, "host-gw")
    delete_port(nodes[0].netlink, nodes[0].port.link)
    nodes[0].network.heal()
    assert pings(nodes[0].pod, nodes[1].port.address)


def test_a_pods_own_side_is_mended(nodes: tuple[Node, Node]) -> None:
    up(nodes, "host-gw")
    node = nodes[0]
    run_in(node.pod, "ip route del default")
    healed = node.network.heal_pod(node.port)
    assert [one.operation.noun for one in healed] == [
        Route("default", "eth0", gateway="10.244.1.1")
    ]
    assert pings(node.pod, nodes[1].port.address)


def test_an_address_that_somebody_took_from_a_pod_is_mended(nodes: tuple[Node, Node]) -> None:
    up(nodes, "host-gw")
    node = nodes[0]
    run_in(node.pod, "ip address del 10.244.1.2/24 dev eth0")
    assert Create in {type(one.operation) for one in node.network.heal_pod(node.port)}
    assert pings(node.pod, nodes[1].port.address)


def test_what_others_put_into_a_node_stays(nodes: tuple[Node, Node]) -> None:
    up(nodes, "host-gw")
    netns = nodes[0].netns
    run_in(netns, "ip link add br-lesson type bridge")
    run_in(netns, "ip address add 192.0.2.1/24 dev br-lesson")
    run_in(netns, "ip link set br-lesson up")
    run_in(netns, "ip route add 198.51.100.0/24 via 192.0.2.9")
    run_in(netns, "nft add table ip lesson")
    assert nodes[0].network.heal() == ()


def test_a_detached_port_passes_nothing_and_its_neighbour_is_gone(
    nodes: tuple[Node, Node],
) -> None:
    up(nodes, "host-gw")
    node = nodes[0]
    assert node.network.detach(node.port)
    assert not pings(nodes[1].pod, node.port.address)
    assert not node.network.is_attached(node.port)
    done = node.network.heal()
    assert not [one for one in done if isinstance(one.operation, Delete)]


def test_a_port_whose_link_is_gone_is_detached_all_the_same(nodes: tuple[Node, Node]) -> None:
    up(nodes, "host-gw")
    node = nodes[0]
    delete_port(node.netlink, node.port.link)
    assert not node.network.detach(node.port)
    assert node.network.heal() == ()


def test_attaching_what_is_half_attached_completes_it(nodes: tuple[Node, Node]) -> None:
    up(nodes, "host-gw")
    node = nodes[0]
    run_in(node.pod, "ip link set eth0 down")
    node.network.attach(node.port)
    assert pings(node.pod, nodes[1].port.address)


def test_a_path_that_leads_to_another_namespace_by_now_is_not_followed(
    nodes: tuple[Node, Node], make_netns: MakeNetns, tmp_path: Path
) -> None:
    path = tmp_path / "netns"
    path.symlink_to(make_netns())
    node = nodes[0]
    node.network.update(cluster())
    moved = PodPort("uid-9", 0, "default", "web-9", "10.244.1.9", str(path))
    node.network.attach(moved)
    path.unlink()
    path.symlink_to(make_netns())
    delete_port(node.netlink, moved.link)
    node.network.heal()
    assert not node.network.has_link(moved.link)
