"""A pod's cable, from its making to its end, on real namespaces."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from labctl.errors import NetError
from labctl.net import veth
from labctl.net.apply import apply
from labctl.net.diff import diff
from labctl.net.netlink import Netlink
from labctl.net.nouns import LOOPBACK, Address, Link, Neighbor, Peer, Sysctl
from labctl.net.observe import observe, observe_like
from labctl.net.operations import Create, Delete
from labctl.net.state import NetState
from tests.net.conftest import MakeNetns
from tests.net.probe import answered

BRIDGE = Link("cni0", "bridge", 1450, "02:00:00:00:00:01")
POD_MAC = "02:00:00:00:01:02"
POD = veth.PodInterface("10.244.1.2/24", "10.244.1.1", BRIDGE.mac, POD_MAC, 1450)


@pytest.fixture
def node(netlink: Netlink) -> Netlink:
    quiet = Sysctl("net.ipv6.conf.default.addr_gen_mode", "1")
    neighbor = Neighbor("cni0", "10.244.1.2", POD_MAC)
    state = NetState([LOOPBACK, quiet, BRIDGE, Address("cni0", "10.244.1.1/24"), neighbor])
    apply(netlink, diff(observe_like(netlink, state), state))
    return netlink


@pytest.fixture
def pod(make_netns: MakeNetns) -> Path:
    return make_netns()


@pytest.fixture
def pod_fd(pod: Path) -> Iterator[int]:
    descriptor = os.open(pod, os.O_RDONLY)
    yield descriptor
    os.close(descriptor)


def port(pod: Path) -> Link:
    peer = Peer("eth0", str(pod), POD_MAC, 1450)
    return Link("veth01234567", "veth", 1450, "02:00:00:00:02:02", True, "cni0", "default/web", None, peer)  # fmt: skip


def attach(node: Netlink, pod: Path, pod_fd: int) -> None:
    veth.create_veth(node, port(pod), pod_fd)
    with Netlink.at(pod_fd) as inside:
        veth.configure_pod(inside, POD)
    veth.await_port(node, port(pod))


def test_both_ends_are_as_they_were_asked_for(node: Netlink, pod: Path, pod_fd: int) -> None:
    attach(node, pod, pod_fd)
    assert port(pod) in observe(node)
    with Netlink.at(pod) as inside:
        assert observe(inside) == NetState(POD.nouns())


def test_node_and_pod_reach_each_other_at_once(
    node: Netlink, netns: Path, pod: Path, pod_fd: int
) -> None:
    attach(node, pod, pod_fd)
    assert answered(netns, pod, "10.244.1.2")
    assert answered(pod, netns, "10.244.1.1")


def test_a_pod_gets_no_ipv6_address_of_its_own(node: Netlink, pod: Path, pod_fd: int) -> None:
    attach(node, pod, pod_fd)
    lines = Path("/proc/thread-self/net/if_inet6")
    with Netlink.at(pod) as inside, inside.inside():
        assert [line.split()[-1] for line in lines.read_text().splitlines()] == ["lo"]


def test_a_name_that_is_taken_is_an_error_that_names_it(
    node: Netlink, pod: Path, pod_fd: int
) -> None:
    veth.create_veth(node, port(pod), pod_fd)
    with pytest.raises(NetError, match="ip link add veth01234567") as caught:
        veth.create_veth(node, port(pod), pod_fd)
    assert caught.value.errno == errno.EEXIST


def test_a_bridge_that_was_made_anew_is_found(node: Netlink, pod: Path, pod_fd: int) -> None:
    node.index("cni0")
    with node.inside(), Netlink.here() as other:
        apply(other, [Delete(BRIDGE), Create(BRIDGE)])
    veth.create_veth(node, port(pod), pod_fd)
    assert port(pod) in observe(node)


def test_without_its_bridge_there_is_no_cable(node: Netlink, pod: Path, pod_fd: int) -> None:
    apply(node, [Delete(BRIDGE)])
    with pytest.raises(NetError) as caught:
        veth.create_veth(node, port(pod), pod_fd)
    assert caught.value.errno == errno.ENODEV
    assert port(pod) not in observe(node)


def test_a_port_is_set_down(node: Netlink, pod: Path, pod_fd: int) -> None:
    attach(node, pod, pod_fd)
    name = port(pod).name
    veth.set_port(node, name, up=False)
    link = observe(node).get(("link", name))
    assert isinstance(link, Link)
    assert (link.up, link.master) == (False, port(pod).master)


def test_a_deleted_port_takes_the_pods_end_along(node: Netlink, pod: Path, pod_fd: int) -> None:
    attach(node, pod, pod_fd)
    veth.delete_port(node, port(pod).name)
    veth.delete_port(node, port(pod).name)
    with Netlink.at(pod) as inside:
        assert observe(inside) == NetState([LOOPBACK])


def test_to_set_a_port_up_that_is_not_there_is_an_error(node: Netlink) -> None:
    with pytest.raises(NetError, match="ip link set dev nowhere up"):
        veth.set_port(node, "nowhere", up=True)
