"""The report's shape is the contract's, and a person and a CI system can read it."""

import errno
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from labctl.api.objects import Obj
from labctl.verify.judge import Packet, Verdict, judge
from labctl.verify.junit import junit
from labctl.verify.oracle import Header
from labctl.verify.plan import checks
from labctl.verify.probe import ONE_WAY, ROUND_TRIP, Probe, Refusal
from labctl.verify.report import Result, report
from labctl.verify.text import text
from labctl.verify.topology import Endpoint, pod_endpoint
from tests.verify.values import NODE2, A, C, probe, topology

LOST = "lost after node1 cni0"


def passed(of: Probe) -> Verdict:
    if of.check.excess == 1:
        of.refusal = Refusal(errno.EMSGSIZE, 1500)
    of.seen = ROUND_TRIP if of.check.excess is None else ONE_WAY
    return judge(of)


def results(*failing: tuple[Endpoint, Endpoint], pods: tuple[Endpoint, ...] = ()) -> list[Result]:
    """A run over ICMP in which the pairs in `failing` lost their packets."""
    made = []
    for check in checks(topology(*pods), protocols=["icmp"]):
        verdict = passed(probe(check.source, check.destination, check.excess))
        if (check.source, check.destination) in failing and check.claim != "mtu":
            verdict = verdict._replace(passed=False, received=None, reason=LOST)
        made.append(Result(check, verdict))
    return made


@pytest.fixture
def sound() -> Obj:
    return report(topology(), results(), 1.23456)


@pytest.fixture
def broken() -> Obj:
    return report(topology(), results((A, C), (A, NODE2)), 2.0, ["too few ARP entries"])


def test_a_report_has_every_check_and_counts_pairs(sound: Obj) -> None:
    assert (sound["apiVersion"], sound["kind"]) == ("labctl.io/v1alpha1", "VerifyReport")
    assert (sound["lab"], sound["passed"], sound["durationSeconds"]) == ("paper", True, 1.235)
    assert sound["claims"] == [
        {"claim": "pod-to-pod", "checked": 6, "failed": 0},
        {"claim": "pod-to-node", "checked": 9, "failed": 0},
        {"claim": "node-to-pod", "checked": 9, "failed": 0},
        {"claim": "egress", "checked": 3, "failed": 0},
        {"claim": "mtu", "checked": 18, "failed": 0},
    ]
    assert len(sound["checks"]) == 6 + 9 + 9 + 3 + 2 * 18


def test_a_check_tells_both_ends_and_both_packets(sound: Obj) -> None:
    found = find(sound, "pod-to-pod", "a", "c")
    assert found == {
        "claim": "pod-to-pod",
        "protocol": "icmp",
        "path": "cross-node",
        "passed": True,
        "source": {
            "kind": "Pod",
            "namespace": "default",
            "name": "a",
            "node": "node1",
            "ip": "10.244.1.2",
        },
        "destination": {
            "kind": "Pod",
            "namespace": "default",
            "name": "c",
            "node": "node2",
            "ip": "10.244.2.2",
        },
        "sent": {"src": "10.244.1.2", "dst": "10.244.2.2", "ttl": 64, "size": 60},
        "received": {"src": "10.244.1.2", "dst": "10.244.2.2", "ttl": 62, "size": 60},
        "reason": "",
    }


def find(of: Obj, claim: str, source: str, destination: str) -> Any:
    return next(
        check
        for check in of["checks"]
        if (check["claim"], check["source"]["name"], check["destination"]["name"])
        == (claim, source, destination)
    )


def test_a_refusal_stands_in_the_check_and_nothing_was_received(sound: Obj) -> None:
    one_more = [check for check in sound["checks"] if check.get("error")]
    assert len(one_more) == 18
    assert one_more[0]["received"] is None
    assert one_more[0]["error"] == {"errno": "EMSGSIZE", "mtu": 1500, "from": "10.244.1.2"}


def test_a_failed_check_fails_its_claim_and_the_run(broken: Obj) -> None:
    assert not broken["passed"]
    failed = {claim["claim"]: claim["failed"] for claim in broken["claims"]}
    assert failed == {"pod-to-pod": 1, "pod-to-node": 1, "node-to-pod": 0, "egress": 0, "mtu": 0}
    assert find(broken, "pod-to-pod", "a", "c")["reason"] == LOST


def test_the_matrix_shows_who_reaches_whom(broken: Obj) -> None:
    lines = text(broken).splitlines()
    assert lines[0] == "lab paper: 63 checks in 2.00 s: FAILED, 2 of them"
    assert "  1 default/a      . X . X . ." in lines
    assert "  3 default/c    . .   . . . ." in lines
    assert "pod-to-pod icmp cross-node: default/a > default/c: lost after node1 cni0" in lines
    assert "warning: too few ARP entries" in lines


def test_many_pods_are_shown_by_node() -> None:
    pods = tuple(
        pod_endpoint("paper", "default", f"p{i}", f"node{i % 2 + 1}", f"10.244.9.{i}", f"u{i}")
        for i in range(20)
    )
    shown = text(report(topology(*pods), results(pods=pods), 1.0))
    assert "  1 pods on node1    . . . . . ." in shown.splitlines()
    assert "default/p3" not in shown


def test_only_packets_of_full_size_that_fail_are_marked_apart() -> None:
    made = [
        Result(check, verdict._replace(passed=check.claim != "mtu")) for check, verdict in results()
    ]
    assert "  1 default/a      m m m m m m" in text(report(topology(), made, 1.0)).splitlines()


def test_junit_has_a_case_for_every_check(broken: Obj) -> None:
    root = ET.fromstring(junit(broken))
    assert (root.get("tests"), root.get("failures")) == (str(len(broken["checks"])), "2")
    assert len(root.findall("./testsuite/testcase")) == len(broken["checks"])
    (first, _) = root.findall("./testsuite/testcase/failure")
    assert first.get("message") == LOST
    names = [case.get("name") for case in root.findall("./testsuite/testcase")]
    assert len(set(names)) == len(names)


def test_packets_are_reported_as_they_were_seen() -> None:
    (check, verdict) = results()[0]
    odd = verdict._replace(received=Packet(Header("10.9.9.9", A.ip, 3), 44))
    shown = report(topology(), [Result(check, odd)], 0.1)["checks"][0]["received"]
    assert shown == {"src": "10.9.9.9", "dst": A.ip, "ttl": 3, "size": 44}
