"""Cables that can be used from the first packet on."""

import os
from pathlib import Path

import pytest

from labctl.errors import NetError
from labctl.net import veth
from labctl.net.apply import apply
from labctl.net.carrier import wait_for_carrier
from labctl.net.monitor import LinkMonitor
from labctl.net.namespaces import inside
from labctl.net.netlink import Netlink
from labctl.net.nouns import Address, Link, Peer, Sysctl
from labctl.net.operations import Create
from tests.net.conftest import MakeNetns
from tests.net.probe import answered

BRIDGE = Link("cni0", "bridge", 1500, "02:00:00:00:00:01")
QUIET = Sysctl("net.ipv6.conf.default.addr_gen_mode", "1")


def pod(number: int) -> veth.PodInterface:
    mac = f"02:00:00:00:01:{number:02x}"
    return veth.PodInterface(f"10.0.0.{number}/24", "10.0.0.1", BRIDGE.mac, mac, 1500)


def plug(netlink: Netlink, netns: Path, number: int) -> Link:
    """A new pod's cable, made and configured, but not waited for."""
    peer = Peer("eth0", str(netns), pod(number).mac, 1500)
    mac = f"02:00:00:00:02:{number:02x}"
    port = Link(f"veth{number}", "veth", 1500, mac, master="cni0", peer=peer)
    descriptor = os.open(netns, os.O_RDONLY)
    try:
        veth.create_veth(netlink, port, descriptor)
        with Netlink.at(descriptor) as inside_pod:
            veth.configure_pod(inside_pod, pod(number))
    finally:
        os.close(descriptor)
    return port


def test_the_first_packet_to_and_between_new_pods_arrives(
    netlink: Netlink, netns: Path, make_netns: MakeNetns
) -> None:
    apply(netlink, [Create(QUIET), Create(BRIDGE), Create(Address("cni0", "10.0.0.1/24"))])
    before = netns, "10.0.0.1"
    for number in range(2, 22):
        here = make_netns()
        veth.await_port(netlink, plug(netlink, here, number))
        assert answered(netns, here, f"10.0.0.{number}", seconds=0.5)
        assert answered(here, *before, seconds=0.5)
        before = here, f"10.0.0.{number}"


def test_a_cable_whose_other_end_is_down_is_named(netlink: Netlink, make_netns: MakeNetns) -> None:
    peer = Peer("eth0", str(make_netns()), "02:00:00:00:00:03", 1500)
    port = Link("veth1", "veth", 1500, "02:00:00:00:00:02", peer=peer)
    apply(netlink, [Create(port)])
    with pytest.raises(NetError, match="no carrier: veth1, nowhere"):
        wait_for_carrier(netlink, ["veth1", "nowhere"], seconds=0.1)


def test_a_change_of_links_is_noticed_once(netlink: Netlink, netns: Path) -> None:
    with inside(netns), LinkMonitor.here() as links:
        assert not links.changed()
        apply(netlink, [Create(BRIDGE)])
        assert links.changed()
        assert not links.changed()
