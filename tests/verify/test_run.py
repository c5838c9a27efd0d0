"""verify on sound clusters of real namespaces: it passes, it keeps nothing, it never cries wolf."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from scapy.layers.inet import ICMP, IP, TCP
from scapy.utils import rdpcap

from labctl import names
from labctl.errors import LabError
from labctl.net.namespaces import delete_netns
from labctl.verify import verify
from labctl.verify.neighbours import limit, mesh_entries
from tests.sabotage.trial import failures
from tests.verify.cluster import Cluster, cluster, ip


@pytest.fixture(scope="module", params=["host-gw", "vxlan"])
def sound(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    with cluster(request.param, nodes=3, pods=6) as made:
        yield made


def test_a_sound_cluster_keeps_every_promise(sound: Cluster) -> None:
    report = verify(sound.topology())
    assert failures(report) == []
    assert report["passed"]
    assert {claim["claim"]: claim["checked"] for claim in report["claims"]} == {
        "pod-to-pod": 6 * 5 * 3,
        "pod-to-node": 6 * 3 * 3,
        "node-to-pod": 3 * 6 * 3,
        "egress": 6 * 3,
        "mtu": 6 * (5 + 3 + 1) * 3,
    }


def test_a_sound_cluster_never_fails(sound: Cluster) -> None:
    topology = sound.topology()
    for _ in range(10):
        assert failures(verify(topology)) == []


def test_what_is_received_is_told_with_addresses_ttl_and_size(sound: Cluster) -> None:
    report = verify(sound.topology(), ["egress", "mtu"], ["tcp"])
    egress = next(check for check in report["checks"] if check["claim"] == "egress")
    assert egress["sent"]["src"] == egress["source"]["ip"]
    assert egress["received"]["src"] == "172.30.1.1"
    assert egress["received"]["ttl"] == 62
    sizes = {
        (check["sent"]["size"], (check["received"] or {}).get("size"))
        for check in report["checks"]
        if check["claim"] == "mtu"
    }
    assert sizes == {(sound.pod_mtu, sound.pod_mtu), (sound.pod_mtu + 1, None)}


@pytest.fixture(scope="module", params=["host-gw", "vxlan"])
def routed(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    with cluster(request.param, nodes=2, pods=4, routed=True) as made:
        yield made


def test_pods_behind_routes_keep_every_promise_with_a_hop_more(routed: Cluster) -> None:
    report = verify(routed.topology())
    assert failures(report) == []
    hops = {
        (check["claim"], check["path"]): 64 - check["received"]["ttl"]
        for check in report["checks"]
        if check["received"]
    }
    assert hops["pod-to-pod", "same-node"] == 1
    assert hops["pod-to-pod", "cross-node"] == 2
    assert hops["node-to-pod", "same-node"] == 0
    assert hops["egress", "egress"] == 2


def test_where_hops_are_promised_one_more_is_a_wrong_path(routed: Cluster) -> None:
    counting = replace(routed.topology(), counts_hops=True)
    report = verify(counting, ["pod-to-pod"], ["icmp"])
    assert {check["reason"] for check in report["checks"] if check["path"] == "same-node"} == {
        "wrong path: it arrived with TTL 63, not 64"
    }
    assert all(check["passed"] for check in report["checks"] if check["path"] == "cross-node")


def test_behind_routes_what_is_lost_is_told_with_its_hop(routed: Cluster) -> None:
    pod = routed.pods[0]
    node = routed.node(pod.node)
    ip(node, f"route del {pod.ip}/32 dev {pod.veth}")
    try:
        report = verify(routed.topology(), ["node-to-pod", "pod-to-pod"], ["icmp"])
    finally:
        ip(node, f"route add {pod.ip}/32 dev {pod.veth}")
    assert not report["passed"]
    reasons = [check["reason"] for check in report["checks"] if not check["passed"]]
    assert all("lost after" in reason or "no reply" in reason for reason in reasons), reasons
    assert failures(verify(routed.topology(), ["pod-to-pod"], ["icmp"])) == []


def test_two_pods_with_one_address_behind_routes_are_told(routed: Cluster) -> None:
    one, other = (pod for pod in routed.pods if pod.node == 1)
    ip(routed.pod(other), f"address add {one.ip}/32 dev eth0")
    try:
        report = verify(routed.topology(), ["pod-to-pod"], ["icmp"])
    finally:
        ip(routed.pod(other), f"address del {one.ip}/32 dev eth0")
    assert "belongs to more than one" in " ".join(failures(report))


def test_nothing_is_left_open_or_changed(sound: Cluster) -> None:
    verify(sound.topology())  # scapy is imported by now
    before = open_descriptors()
    verify(sound.topology())
    assert open_descriptors() == before


def open_descriptors() -> dict[str, str]:
    found = {}
    for entry in os.listdir("/proc/self/fd"):
        try:
            found[entry] = os.readlink(f"/proc/self/fd/{entry}")
        except FileNotFoundError:  # the one that lists
            continue
    return found


def test_packets_are_kept_for_wireshark(sound: Cluster, tmp_path: Path) -> None:
    verify(sound.topology(), ["pod-to-pod", "egress"], ["icmp", "tcp"], tmp_path / "packets")
    assert sorted(os.listdir(tmp_path / "packets")) == ["egress.pcapng", "pod-to-pod.pcapng"]
    packets = rdpcap(str(tmp_path / "packets" / "pod-to-pod.pcapng"))
    pairs, ends, messages = 6 * 5, 2, 2
    assert len([one for one in packets if ICMP in one]) == pairs * ends * messages
    assert len([one for one in packets if TCP in one]) == pairs * ends * messages
    outside = rdpcap(str(tmp_path / "packets" / "egress.pcapng"))
    assert {one[IP].src for one in outside if one[IP].dst == names.OUTSIDE_ADDRESS} == {
        *(pod.ip for pod in sound.pods),
        *(f"172.30.1.{n}" for n in sound.node_numbers),
    }
    assert float(packets[0].time) > 1_500_000_000
    assert packets[0].sniffed_on.endswith(" eth0")
    assert packets[0].comments == [b"pod-to-pod icmp: default/web-1 > default/web-2"]


def test_progress_is_told_until_all_is_done(sound: Cluster) -> None:
    told: list[tuple[int, int]] = []
    report = verify(sound.topology(), progress=lambda done, total: told.append((done, total)))
    assert told == sorted(told)
    assert told[-1] == (len(report["checks"]), len(report["checks"]))


def test_nothing_to_verify_is_an_error(sound: Cluster) -> None:
    empty = replace(sound.topology(), pods=())
    with pytest.raises(LabError, match="nothing to verify"):
        verify(empty)
    with pytest.raises(LabError, match="nothing to verify"):
        verify(replace(sound.topology(), pods=sound.topology().pods[:1]), ["pod-to-pod"])


def test_a_pod_that_the_api_has_and_the_kernel_has_not_fails(sound: Cluster) -> None:
    topology = sound.topology()
    ghost = replace(topology.pods[0], name="ghost", ip="10.244.1.99", netns=Path("/run/netns/none"))
    report = verify(replace(topology, pods=(*topology.pods, ghost)), ["pod-to-pod"], ["icmp"])
    assert len(failures(report)) == 2 * len(topology.pods)
    assert all("default/ghost: it has no network namespace" in one for one in failures(report))


def test_a_pod_whose_interface_is_down_fails_and_says_so(sound: Cluster) -> None:
    first = sound.pods[0]
    gateway = names.bridge_mac(f"node{first.node}")
    ip(sound.pod(first), "link set eth0 down")
    try:
        report = verify(sound.topology(), ["egress"])
    finally:
        ip(
            sound.pod(first),
            "link set eth0 up",
            f"route add default via 10.244.{first.node}.1",
            f"neighbor replace 10.244.{first.node}.1 lladdr {gateway} dev eth0 nud permanent",
        )
    lines = failures(report)
    assert len(lines) == 3
    assert all(one.endswith("lost after default/web-1: its eth0 is down or gone") for one in lines)
    assert failures(verify(sound.topology())) == []


def test_a_pod_that_goes_away_meanwhile_is_left_out_and_let_go() -> None:
    with cluster("host-gw", nodes=2, pods=4) as made:
        victim = made.pods[0]
        namespace = names.netns_path(made.pod(victim))

        def remove(_done: int, _total: int) -> None:
            if namespace.exists():
                delete_netns(made.pod(victim))
                ip(made.node(victim.node), f"link delete {victim.veth}")

        report = verify(made.topology(), progress=remove)
        assert failures(report) == []
        assert report["leftOut"] == [
            {
                "namespace": "default",
                "name": victim.name,
                "reason": "it went away while verify ran",
            }
        ]
        assert {check["source"]["name"] for check in report["checks"]}.isdisjoint({victim.name})


def test_a_mesh_passes_where_the_arp_table_is_too_small_for_it() -> None:
    with cluster("host-gw", nodes=1, pods=40) as made:
        topology = made.topology()
        report = verify(topology, ["pod-to-pod"], ["icmp"])
        assert failures(report) == []
        most = limit()
        is_too_small = most is not None and mesh_entries(topology) >= most
        assert bool(report["warnings"]) == is_too_small
