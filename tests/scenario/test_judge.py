"""What is wrong with what was seen: tables of expectations and facts."""

from typing import Any

import pytest

from labctl.api.objects import Obj
from labctl.scenario import judge
from labctl.scenario.stage import Failed
from labctl.scenario.steps import Compare, Expect, Expected, Verify

READY: Obj = {
    "metadata": {"name": "web"},
    "status": {"replicas": 3, "conditions": [{"type": "Ready", "status": "True"}]},
}


@pytest.mark.parametrize(
    ("wish", "obj", "wrong"),
    [
        ("Ready", READY, ""),
        ("Ready=False", READY, "condition Ready is True"),
        ("Available", READY, "condition Available is not set"),
        (".status.replicas=3", READY, ""),
        (".status.replicas=4", READY, ".status.replicas is 3"),
        ("Ready", None, "it is not there"),
        ("delete", READY, "it is still there"),
        ("delete", None, ""),
    ],
)
def test_a_wish_is_a_condition_a_field_or_an_end(wish: str, obj: Obj | None, wrong: str) -> None:
    assert judge.wish(wish, obj) == wrong


def _pods(*nodes: str) -> list[Obj]:
    return [{"metadata": {"name": f"p{i}"}, "spec": {"nodeName": n}} for i, n in enumerate(nodes)]


@pytest.mark.parametrize(
    ("verb", "objects", "wrong"),
    [
        (Expect(get="pods", count=2), _pods("a", "b"), ""),
        (Expect(get="pods", count=3), _pods("a", "b"), "there are 2 of pods, not 3"),
        (Expect(get="pods", path=".spec.nodeName", distinct=2), _pods("a", "b", "a"), ""),
        (Expect(get="pods", path=".spec.nodeName", equals="a"), _pods("a", "b"), "is ['a', 'b']"),
        (Expect(get="pods", path=".spec.nodeName", matches="^[ab]$"), _pods("a", "b"), ""),
        (Expect(get="pods", path=".spec.host", equals="a"), _pods("a"), ".spec.host is not set"),
        (Expect(get="pods"), [], "there is no pods"),
    ],
)
def test_an_expectation_counts_and_compares(verb: Expect, objects: list[Obj], wrong: str) -> None:
    found = judge.expectation(verb, objects)
    assert wrong in found if wrong else found == ""


def _event(at: int, reason: str, message: str = "") -> Obj:
    return {
        "metadata": {"name": f"web.{at:x}"},
        "reason": reason,
        "message": message,
        "source": {"component": "c"},
        "involvedObject": {"kind": "Pod", "name": "web"},
    }


def test_events_must_come_in_order_with_others_between() -> None:
    events = [_event(30, "Started"), _event(10, "Scheduled"), _event(20, "Pulled")]
    in_order = (Expected(reason="Scheduled"), Expected(reason="Started", object="Pod/web"))
    assert judge.sequence(in_order, events) == ""
    assert "no event Scheduled" in judge.sequence(in_order[::-1], events)


def test_an_event_is_told_by_who_wrote_it_and_by_its_message() -> None:
    events = [_event(1, "Scheduled", "assigned web to node1")]
    assert (
        judge.sequence((Expected(reason="Scheduled", by="c", message="node[0-9]"),), events) == ""
    )
    assert judge.sequence((Expected(reason="Scheduled", by="d"),), events) != ""
    assert judge.sequence((Expected(reason="Scheduled", message="node2"),), events) != ""


def _report(*checks: tuple[str, str, bool]) -> dict[str, Any]:
    return {
        "checks": [
            {"claim": claim, "path": path, "passed": passed, "reason": "lost"}
            for claim, path, passed in checks
        ]
    }


def test_a_comparison_says_what_stayed_and_what_changed() -> None:
    before, now = {"pause": "pid 1", "app": "pid 2"}, {"pause": "pid 1", "app": "pid 3"}
    good = Compare(pod="web", same=("pause",), changed=("app",))
    assert judge.comparison(good, before, now) == "pause pid 1 stayed; app pid 2 → pid 3"
    for wrong, said in (
        (Compare(pod="web", same=("app",)), "app is pid 3, not pid 2"),
        (Compare(pod="web", changed=("pause",)), "pause is still pid 1"),
        (Compare(pod="web", same=("none",)), "web has no none, only pause, app"),
    ):
        with pytest.raises(Failed, match=said):
            judge.comparison(wrong, before, now)


def test_a_proof_needs_checks_and_the_expected_failures() -> None:
    healthy = _report(("pod-to-pod", "same-node", True), ("egress", "egress", True))
    assert judge.proof(Verify(), healthy).startswith("2 checks")
    with pytest.raises(Failed, match="nothing was checked"):
        judge.proof(Verify(paths=("cross-node",)), healthy)
    broken = _report(("pod-to-pod", "same-node", False))
    with pytest.raises(Failed, match="pod-to-pod: lost"):
        judge.proof(Verify(), broken)
    assert judge.proof(Verify(fails=("pod-to-pod",)), broken)


def test_the_faults_in_force_are_those_that_are_wanted_and_no_others() -> None:
    found = ["cut node2", "loss web-1 10%"]
    assert judge.in_force(["loss web-.* 10%", "cut node2"], found) == (
        "in force: cut node2, loss web-1 10%"
    )
    assert judge.in_force([], []) == "in force: nothing"
    for wanted in ([], ["cut node2"], ["cut node2", "cut node3"], ["cut node", "loss web-1 10%"]):
        with pytest.raises(Failed, match="in force: cut node2, loss web-1 10%, not "):
            judge.in_force(wanted, found)
