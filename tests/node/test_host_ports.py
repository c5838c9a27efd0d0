"""hostPort on labctl's own network: as a table, and as connections through it."""

from dataclasses import replace

from labctl import names
from labctl.api.kinds.core import PODS
from labctl.api.objects import Obj
from labctl.cri.messages import PortMapping
from labctl.net.namespaces import netns_path
from labctl.net.nouns import Link, NftTable, Sysctl
from labctl.node.desired import desired
from tests.node.cluster import cluster, port
from tests.node.conftest import Stage
from tests.node.requests import ask
from tests.node.scene import ADDRESS, Scene, turn

MAPPED: Obj = {
    "name": "web",
    "image": "nginx:1.14.2",
    "ports": [
        {"containerPort": 80, "hostPort": 8080},
        {"containerPort": 81, "hostPort": 8081, "hostIP": ADDRESS},
    ],
}


def test_a_mapping_is_a_rule_for_who_must_hide_and_one_for_all() -> None:
    mappings = (PortMapping(8080, 80), PortMapping(53, 53, "UDP", "172.30.1.1"))
    state = desired(cluster(ports=(replace(port(2), mappings=mappings), port(3))), "node1")
    (table,) = [one for one in state if isinstance(one, NftTable) and one.name.endswith("ports")]
    hides = "ip saddr { 127.0.0.0/8, 10.244.1.0/24 } meta mark set meta mark or 0x2000"
    rules = [line.strip() for line in table.text.splitlines() if "dport" in line]
    assert rules == [
        f"tcp dport 8080 {hides}",
        "tcp dport 8080 dnat to 10.244.1.2:80",
        f"ip daddr 172.30.1.1 udp dport 53 {hides}",
        "ip daddr 172.30.1.1 udp dport 53 dnat to 10.244.1.2:53",
    ]
    assert Sysctl("net.ipv4.conf.cni0.route_localnet", "1") in state
    hairpins = {one.alias: one.hairpin for one in state if isinstance(one, Link) and one.alias}
    assert hairpins == {"default/web-2": True, "default/web-3": False}


def test_without_mappings_there_is_no_table() -> None:
    state = desired(cluster(ports=(port(2),)), "node1")
    assert [one.name for one in state if isinstance(one, NftTable)] == ["labctl"]
    assert Sysctl("net.ipv4.conf.cni0.route_localnet", "0") in state


def test_ports_of_the_node_lead_to_the_pod_and_end_with_it(stage: Stage) -> None:
    async def play(scene: Scene) -> None:
        await scene.create("mapped", MAPPED)
        await scene.create("other", {"name": "c", "image": "i", "ports": [{"containerPort": 80}]})
        await scene.ready("mapped")
        await scene.ready("other")
        here = "/proc/self/ns/net"
        mapped, other = (
            str(netns_path(names.pod_netns(scene.spec.name, "default", pod)))
            for pod in ("mapped", "other")
        )
        # The node itself by each of its addresses, another pod, and the pod itself.
        assert ask(here, ADDRESS, 8080)["client"]["address"] == ADDRESS
        assert ask(here, "127.0.0.1", 8080)["pod"] == "mapped"
        assert ask(here, ADDRESS, 8081)["port"] == 81
        for place in (other, mapped):
            assert ask(place, ADDRESS, 8080)["pod"] == "mapped"
        await scene.end_agent()  # what it made stays, and the next one finds it right
        scene.start_agent()
        await scene.ready("mapped")
        assert ask(other, ADDRESS, 8080)["pod"] == "mapped"
        await scene.admin.delete(PODS, "mapped", "default", grace=0)
        await scene.until_gone(PODS, "mapped")
        while ask(here, ADDRESS, 8080):
            await turn()

    stage(play)
