"""Settings of a namespace, by the names that sysctl(8) uses."""

from pathlib import Path

import pytest

from labctl.errors import NetError
from labctl.net import sysctl
from labctl.net.apply import apply
from labctl.net.namespaces import inside
from labctl.net.netlink import Netlink
from labctl.net.nouns import Link, Sysctl
from labctl.net.operations import Create, Delete


@pytest.mark.parametrize(
    ("name", "path", "interface"),
    [
        ("net.ipv4.ip_forward", "/proc/sys/net/ipv4/ip_forward", ""),
        ("net.ipv4.conf.all.rp_filter", "/proc/sys/net/ipv4/conf/all/rp_filter", ""),
        ("net.ipv4.conf.eth0.rp_filter", "/proc/sys/net/ipv4/conf/eth0/rp_filter", "eth0"),
        (
            "net.ipv4.conf.vxlan/1.rp_filter",
            "/proc/sys/net/ipv4/conf/vxlan.1/rp_filter",
            "vxlan.1",
        ),
    ],
)
def test_a_name_leads_to_its_file_and_interface(name: str, path: str, interface: str) -> None:
    assert sysctl.path(name) == path
    assert Sysctl(name, "1").interface == interface


def test_a_setting_belongs_to_the_namespace_in_which_it_is_written(netns: Path) -> None:
    name = "net.ipv4.conf.all.arp_ignore"
    outside = sysctl.read(name)
    with inside(netns):
        sysctl.write(Sysctl(name, "8"))
        assert sysctl.read(name) == "8"
    assert sysctl.read(name) == outside


def test_there_may_be_no_such_setting(netns: Path) -> None:
    with inside(netns):
        assert sysctl.read("net.ipv4.conf.nowhere.rp_filter") is None
        assert list(sysctl.observe(["net.ipv4.conf.nowhere.rp_filter"])) == []
        with pytest.raises(NetError, match=r"sysctl -w net.bridge.nothing=1: No such") as caught:
            sysctl.write(Sysctl("net.bridge.nothing", "1"))
    assert caught.value.hint == "modprobe br_netfilter"


def test_files_kept_open_show_their_namespace_from_anywhere(netlink: Netlink, netns: Path) -> None:
    bridge = Link("br.0", "bridge", 1500, "02:00:00:00:00:01")
    names = ["net.ipv4.ip_forward", "net.ipv4.conf.br/0.rp_filter", "net.ipv4.no_such"]
    apply(netlink, [Create(bridge)])
    with inside(netns):
        files = sysctl.SysctlFiles(names)
    apply(netlink, [Create(Sysctl(names[0], "1")), Create(Sysctl(names[1], "2"))])
    assert files.read() == (Sysctl(names[0], "1"), Sysctl(names[1], "2"))
    apply(netlink, [Delete(bridge)])
    assert files.read() == (Sysctl(names[0], "1"),)
    files.close()
    assert files.read() == ()
