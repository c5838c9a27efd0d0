"""Events of a real namespace, and telling wounds from one's own work."""

import select
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from labctl.net import namespaces, nft
from labctl.net.apply import apply
from labctl.net.diff import diff
from labctl.net.monitor import Change, Event, Lost, Monitor, RulesetMonitor
from labctl.net.namespaces import inside
from labctl.net.netlink import Netlink
from labctl.net.nouns import (
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
from labctl.net.operations import Create, Delete, Replace
from labctl.net.state import NetState
from labctl.net.wounds import wounds
from tests.net.conftest import MakeNetns
from tests.net.test_kernel import node_state, type_in
from tests.waiting import until

BRIDGE = Link("cni0", "bridge", 1500, "02:00:00:00:00:01")


@pytest.fixture
def monitor(netns: Path) -> Iterator[Monitor]:
    with Monitor.at(netns) as listening:
        yield listening


@pytest.fixture
def known(netlink: Netlink, make_netns: MakeNetns, monitor: Monitor) -> NetState:
    """A node's state, applied, with the events of that not yet read."""
    state = node_state(make_netns())
    apply(netlink, diff(observe_like(netlink, state), state))
    assert monitor.fileno() >= 0
    return state


def test_nothing_has_happened_in_a_quiet_namespace(monitor: Monitor) -> None:
    assert monitor.events() == []


def test_the_descriptor_becomes_readable_when_something_happens(
    monitor: Monitor, netlink: Netlink
) -> None:
    assert select.select([monitor], [], [], 0)[0] == []
    apply(netlink, [Create(BRIDGE)])
    assert select.select([monitor], [], [], 5)[0] == [monitor]


NOUNS: list[Noun] = [
    Address("cni0", "10.244.1.1/24"),
    Neighbor("cni0", "10.244.1.2", "02:00:00:00:00:09"),
    Route("10.9.0.0/16", "cni0", "10.244.7.9", onlink=True),
    FdbEntry("vxlan.1", "02:00:00:00:02:04", "172.30.1.2"),
    Link("vxlan.2", "vxlan", 1400, "02:00:00:00:00:07", vxlan=Vxlan(2, "172.30.1.1", "cni0")),
]


@pytest.mark.parametrize("noun", NOUNS)
def test_a_noun_is_told_as_it_came_and_went(noun: Noun, monitor: Monitor, netlink: Netlink) -> None:
    vxlan = Link(
        "vxlan.1", "vxlan", 1400, "02:00:00:00:00:08", vxlan=Vxlan(1, "172.30.1.1", "cni0")
    )
    apply(netlink, [Create(BRIDGE), Create(vxlan), Create(Address("cni0", "10.77.0.1/24"))])
    monitor.events()
    apply(netlink, [Create(noun)])
    assert Change(noun) in monitor.events()
    apply(netlink, [Delete(noun)])
    assert noun.key in {event.noun.key for event in changes(monitor.events()) if event.gone}


def test_a_renamed_link_is_gone_under_its_old_name(
    monitor: Monitor, netlink: Netlink, netns: Path
) -> None:
    down = Link("cni0", "bridge", 1500, "02:00:00:00:00:01", up=False)
    apply(netlink, [Create(down)])
    monitor.events()
    type_in(netns, "ip link set cni0 name other")
    links = [event for event in changes(monitor.events()) if isinstance(event.noun, Link)]
    assert [(event.noun.interface, event.gone) for event in links] == [
        ("cni0", True),
        ("other", False),
    ]


def test_forwarding_is_told_under_both_of_its_names(monitor: Monitor, netns: Path) -> None:
    type_in(netns, "sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.lo.rp_filter=2")
    told = [event.noun for event in changes(monitor.events())]
    assert Sysctl("net.ipv4.ip_forward", "1") in told
    assert Sysctl("net.ipv4.conf.all.forwarding", "1") in told
    assert Sysctl("net.ipv4.conf.lo.rp_filter", "2") in told


@pytest.fixture
def beyond(netns: Path, netlink: Netlink, make_netns: MakeNetns) -> Iterator[tuple[Monitor, Path]]:
    """A monitor that listens beyond veth1, whose other end is `eth0` in the namespace returned."""
    far = make_netns()
    with inside(netns):
        listening = Monitor.here(beyond=lambda link: link == "veth1")
    with listening:
        for name, other in (("veth1", far), ("veth2", make_netns())):
            peer = Peer("eth0", str(other), "02:00:00:00:00:f9", 1500)
            apply(netlink, [Create(Link(name, "veth", 1500, "02:00:00:00:00:19", peer=peer))])
            with Netlink.at(other) as there:
                up = Link("eth0", "veth", 1500, "02:00:00:00:00:f9")
                apply(there, [Replace(up, replace(up, up=False)), Create(NOUNS_BEYOND[0])])
        yield listening, far


NOUNS_BEYOND: list[Noun] = [
    Address("eth0", "10.244.1.2/24"),
    Neighbor("eth0", "10.244.1.1", "02:00:00:00:00:01"),
    Route("10.9.0.0/16", "eth0", "10.244.1.1"),
]


@pytest.mark.parametrize("noun", NOUNS_BEYOND)
def test_what_happens_beyond_a_pair_is_told_with_the_link_that_leads_there(
    noun: Noun, beyond: tuple[Monitor, Path]
) -> None:
    monitor, far = beyond
    told = {event.via for event in changes(monitor.events())}
    assert told == {"", "veth1"}, "veth2 was not asked for"
    with Netlink.at(far) as netlink:
        apply(netlink, [Delete(noun), Create(noun)])
        assert Change(noun, via="veth1") in monitor.events()
        apply(netlink, [Delete(noun)])
    gone = [one for one in changes(monitor.events()) if one.gone and one.via == "veth1"]
    assert noun.key in {one.noun.key for one in gone}


def test_names_beyond_are_known_to_a_monitor_that_came_later(
    beyond: tuple[Monitor, Path], netns: Path
) -> None:
    with inside(netns), Monitor.here(beyond=lambda link: link == "veth1") as late:
        type_in(beyond[1], "ip address delete 10.244.1.2/24 dev eth0")
        assert Change(NOUNS_BEYOND[0], gone=True, via="veth1") in late.events()


def test_a_namespace_that_ends_says_nothing_any_more(
    beyond: tuple[Monitor, Path], netlink: Netlink
) -> None:
    monitor, far = beyond
    monitor.events()
    namespaces.delete_netns(far.name)
    until(lambda: "veth1" not in {noun.interface for noun in observe(netlink)})
    told = monitor.events()
    assert [one for one in changes(told) if one.via] == []
    assert ("link", "veth1") in {one.noun.key for one in changes(told) if one.gone}


def test_a_namespace_to_which_no_pair_leads_can_be_followed(
    netns: Path, make_netns: MakeNetns
) -> None:
    far = make_netns()
    with inside(netns), Monitor.here(beyond=lambda via: via == "far") as monitor:
        with open(far) as place:
            monitor.follow(place.fileno(), "far")
        type_in(far, "ip link add cni0 address 02:00:00:00:00:01 up type bridge")
        assert Change(BRIDGE, via="far") in monitor.events()
        monitor.forget("far")
        type_in(far, "ip link set cni0 down")
        assert monitor.events() == []


def test_neighbours_that_the_kernel_looks_for_are_not_told(
    netns: Path, netlink: Netlink, monitor: Monitor
) -> None:
    """Permanent ones are made and ended by somebody's request, and told."""
    known = Neighbor("cni0", "10.244.1.2", "02:00:00:00:00:09")
    apply(netlink, [Create(BRIDGE), Create(Address("cni0", "10.244.1.1/24")), Create(known)])
    monitor.events()
    type_in(netns, "ping -c1 -W1 10.244.1.77 || true")
    assert monitor.events() == []
    type_in(netns, f"ip neighbor replace 10.244.1.2 lladdr {known.mac} dev cni0 nud stale")
    assert monitor.events() == [Change(known, gone=True)]


def test_when_more_happens_than_can_wait_that_is_said(monitor: Monitor, netlink: Netlink) -> None:
    apply(netlink, [Create(BRIDGE), Create(NOUNS[0])])
    for turn in range(100):
        mac = f"02:00:00:00:00:{turn:02d}"
        apply(netlink, [Create(Neighbor("cni0", f"10.244.1.{n}", mac)) for n in range(2, 252)])
    events = monitor.events()
    assert Lost() in events
    assert Lost() in wounds(events, NetState())
    route = Route("10.9.0.0/16", "cni0", "10.244.1.9")
    apply(netlink, [Create(route)])
    assert monitor.events() == [Change(route)]


def test_a_change_of_nftables_is_noticed_once(netns: Path) -> None:
    with inside(netns), RulesetMonitor.here() as rules:
        assert not rules.changed()
        nft.load(nft.render("ip", "labctl", [nft.Chain("c", ("accept",))]))
        assert rules.changed()
        assert not rules.changed()


def test_ones_own_work_is_no_wound(known: NetState, monitor: Monitor) -> None:
    assert wounds(monitor.events(), known) == ()


def test_own_changes_of_a_working_node_are_no_wounds(
    known: NetState, monitor: Monitor, netlink: Netlink, make_netns: MakeNetns
) -> None:
    monitor.events()
    peer = Peer("eth9", str(make_netns()), "02:00:00:00:00:f9", 1450)
    port = Link("veth9", "veth", 1450, "02:00:00:00:00:19", True, "cni0", "ns/9", peer=peer)
    other = Route("10.244.3.0/24", "eth0", "172.30.1.4", "172.30.1.1")
    wanted = (known | [port, other, Neighbor("cni0", "10.244.1.9", "02:00:00:00:00:f9")]).without(
        [("route", "10.9.0.0/16", "0"), ("fdb", "vxlan.1", "02:00:00:00:02:04")]
    )
    apply(netlink, diff(known, wanted))
    assert wounds(monitor.events(), wanted) == ()


WOUNDS = [
    "ip link set lo down",
    "ip link delete veth1",
    "ip link set cni0 down && ip link set cni0 up",
    "ip link set eth0 mtu 1400",
    "ip link set veth1 nomaster",
    "ip link add stray type bridge",
    "ip address delete 10.244.1.1/24 dev cni0",
    "ip address add 10.244.1.9/24 dev cni0",
    "ip neighbor delete 10.244.2.0 dev vxlan.1",
    "ip neighbor replace 10.244.1.2 lladdr 02:00:00:00:00:99 dev cni0 nud reachable",
    "bridge fdb delete 02:00:00:00:02:04 dev vxlan.1 dst 172.30.1.2",
    "bridge fdb replace 02:00:00:00:02:04 dev vxlan.1 dst 172.30.1.9",
    "ip route delete 10.244.3.0/24",
    "ip route delete 10.244.1.0/24",
    "ip route replace blackhole 10.244.3.0/24",
    "ip route add 10.66.0.0/16 via 172.30.1.9",
    "sysctl -qw net.ipv4.ip_forward=0",
    "sysctl -qw net.ipv4.conf.vxlan/1.rp_filter=1",
]


@pytest.mark.parametrize("wound", WOUNDS)
def test_a_strangers_change_is_a_wound(
    wound: str, known: NetState, monitor: Monitor, netns: Path
) -> None:
    monitor.events()
    type_in(netns, wound)
    assert wounds(monitor.events(), known)


def test_a_setting_that_nobody_asked_for_is_no_wound(known: NetState) -> None:
    assert wounds([Change(Sysctl("net.ipv4.conf.eth7.forwarding", "1"))], known) == ()


def test_what_was_put_right_again_is_no_wound_any_more() -> None:
    right, wrong = Route("10.9.0.0/16", "eth0"), Route("10.9.0.0/16", "eth1")
    events = [Change(right, gone=True), Change(wrong), Change(right)]
    assert wounds(events, NetState([right])) == ()


def test_a_link_set_up_by_its_owner_is_no_wound(monitor: Monitor, netlink: Netlink) -> None:
    down = Link("cni0", "bridge", 1500, "02:00:00:00:00:01", up=False)
    apply(netlink, [Create(down)])
    monitor.events()
    apply(netlink, [Replace(BRIDGE, down)])
    assert wounds(monitor.events(), NetState([BRIDGE])) == ()


def changes(events: list[Event]) -> list[Change]:
    return [event for event in events if isinstance(event, Change)]
