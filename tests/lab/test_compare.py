"""What differs between two networks, from what was seen of each."""

from typing import Any

from labctl.api.objects import Obj
from labctl.lab.compare.differences import comparison
from labctl.lab.compare.observation import Observation, Scene
from labctl.lab.compare.text import text
from labctl.lab.compare.words import plain, rules

NAMES = {"10.244.1.2": "node1/pod1"}
RULESET = """\
table ip nat {
	chain CNI-DN-0123456789abcdef {
		tcp dport 8080 counter packets 12 bytes 720 dnat to 10.244.1.2:80
	}

	chain rev-0123456789ab {
	}
}
table ip labctl {
	set nodes {
		type ipv4_addr
		elements = { 172.30.1.1,
			172.30.1.2 }
	}

	chain postrouting {
		type nat hook postrouting priority srcnat; policy accept;
		masquerade fully-random
	}
}
"""


def test_names_and_addresses_that_differ_by_chance_are_called_alike() -> None:
    assert plain("10.244.1.2/32 dev veth07d45d3c", NAMES) == "node1/pod1 dev veth*"
    assert plain("default via 10.244.1.20", NAMES) == "default via 10.244.1.20"
    sandbox = "0f71daec-7e9b-46bc-b7fc-2606d8cbb78b-0"
    assert plain(f'comment "id: {sandbox}"', NAMES) == 'comment "id: SANDBOX"'


def test_every_rule_stands_behind_its_table_and_chain() -> None:
    assert list(rules(RULESET, NAMES)) == [
        "ip nat CNI-DN-*: tcp dport 8080 counter dnat to node1/pod1:80",
        "ip labctl nodes: type ipv4_addr",
        "ip labctl nodes: elements = { 172.30.1.1, 172.30.1.2 }",
        "ip labctl postrouting: type nat hook postrouting priority srcnat; policy accept;",
        "ip labctl postrouting: masquerade fully-random",
    ]


def check(ttl: int | None, reason: str = "") -> Obj:
    received = None if ttl is None else {"ttl": ttl}
    passed = not reason
    way = {"claim": "pod-to-pod", "path": "same-node", "protocol": "icmp"}
    return {**way, "passed": passed, "received": received, "reason": reason}


def seen(lab: str, checks: list[Obj], scene: Scene, **latency: Any) -> Observation:
    passed = all(one["passed"] for one in checks)
    report = {"checks": checks, "passed": passed, "durationSeconds": 0.5}
    return Observation(lab, "host-gw", report, NAMES, {"node1": scene}, latency)


ONE = seen("one", [check(64), check(64)], Scene(("a", "b", "b"), (), {"eth0": 1500}), egress=(1, 2))
OTHER = seen(
    "other",
    [check(63), check(None, "lost after x")],
    Scene(("b", "c"), ("r",), {"eth0": 1450, "vxlan.1": 1450}),
)


def test_a_network_is_like_itself() -> None:
    report = comparison(ONE, ONE)
    assert (report["kind"], report["same"], report["differences"]) == (
        "NetworkComparison",
        True,
        [],
    )
    assert "no difference" in text(report)


def test_each_difference_is_told_with_its_place() -> None:
    report = comparison(ONE, OTHER)
    assert (report["same"], report["passed"]) == (False, False)
    assert report["differences"] == [
        {"subject": "routes", "where": "node1", "only": [["a", "b"], ["c"]]},
        {"subject": "mtu", "where": "node1", "link": "eth0", "values": [1500, 1450]},
        {"subject": "mtu", "where": "node1", "link": "vxlan.1", "values": [None, 1450]},
        {"subject": "rules", "where": "node1", "only": [[], ["r"]]},
        {
            "subject": "matrix",
            "claim": "pod-to-pod",
            "path": "same-node",
            "protocol": "icmp",
            "values": [
                {"checked": 2, "failed": 0, "hops": [0], "reasons": []},
                {"checked": 2, "failed": 1, "hops": [1], "reasons": ["lost after x"]},
            ],
        },
    ]
    assert report["latency"] == [
        {"path": "egress", "milliseconds": [{"min": 1, "median": 2}, None]}
    ]
    shown = text(report).splitlines()
    assert "routes of node1:" in shown
    assert "  + c" in shown
    assert "mtu of node1 vxlan.1: none | 1450" in shown
    said = "0 hops | 1 of 2 failed, 1 hops, lost after x"
    assert f"matrix, pod-to-pod same-node icmp: {said}" in shown
    assert shown[-1] == "egress       2.000 (1.000)   | no answer"
