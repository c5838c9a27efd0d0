"""Topology spread constraints, pod affinity and anti-affinity, on the counted state."""

from typing import Any

from labctl.api.objects import Obj
from labctl.scheduler.decide import Placed, Unplaced, decide
from labctl.scheduler.podinfo import PodInfo
from labctl.scheduler.state import ClusterState

_ZONE = "zone"


def _state(**zones: str) -> ClusterState:
    """Nodes by name, each in a zone ("" for none)."""
    state = ClusterState()
    for name, zone in zones.items():
        labels = {"host": name, **({_ZONE: zone} if zone else {})}
        allocatable = {"cpu": "4", "memory": "8Gi", "pods": "110"}
        node: Obj = {
            "metadata": {"name": name, "labels": labels},
            "status": {"allocatable": allocatable},
        }
        state.node_changed(None, node)
    return state


def _pod(name: str, app: str = "web", **spec: Any) -> PodInfo:
    return PodInfo.of(
        {
            "metadata": {
                "name": name,
                "namespace": "default",
                "uid": f"uid-{name}",
                "labels": {"app": app},
            },
            "spec": {"containers": [{"name": "c"}], **spec},
        }
    )


def _place(state: ClusterState, pod: PodInfo) -> Placed | Unplaced:
    answer = decide(pod, state.nodes.values(), lambda best: best[0], state.extras(pod))
    if isinstance(answer, Placed):
        state.assume(pod, answer.node)
    return answer


def _spread(hard: bool = True, skew: int = 1, key: str = _ZONE) -> Obj:
    constraint = {
        "topologyKey": key,
        "maxSkew": skew,
        "whenUnsatisfiable": "DoNotSchedule" if hard else "ScheduleAnyway",
        "labelSelector": {"matchLabels": {"app": "web"}},
    }
    return {"topologySpreadConstraints": [constraint]}


def _company(kind: str, app: str, *, key: str = "host", weight: int = 0) -> Obj:
    term: Obj = {"topologyKey": key, "labelSelector": {"matchLabels": {"app": app}}}
    if weight:
        wish = {"weight": weight, "podAffinityTerm": term}
        return {"affinity": {kind: {"preferredDuringSchedulingIgnoredDuringExecution": [wish]}}}
    return {"affinity": {kind: {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}}


def _domains(state: ClusterState, *answers: Placed | Unplaced) -> list[str]:
    placed = [answer for answer in answers if isinstance(answer, Placed)]
    return [state.nodes[one.node].labels.get(_ZONE, "") for one in placed]


def test_a_hard_constraint_keeps_zones_even() -> None:
    state = _state(a1="a", a2="a", b1="b")
    answers = [_place(state, _pod(f"web-{n}", **_spread())) for n in range(4)]
    assert sorted(_domains(state, *answers)) == ["a", "a", "b", "b"]


def test_a_hard_constraint_that_cannot_be_kept_refuses() -> None:
    state = _state(a1="a", lost="")
    first = _pod("web-0", **_spread(), nodeSelector={_ZONE: "a"})
    assert _place(state, first) == Placed("a1")
    blocked = _state(a1="a", b1="b")
    blocked.assume(_pod("web-0"), "a1")
    full = _pod("web-1", **_spread(), tolerations=[])
    blocked.node_changed(
        None,
        {"metadata": {"name": "b1", "labels": {_ZONE: "b"}}, "spec": {"unschedulable": True}},
    )
    answer = _place(blocked, full)
    assert isinstance(answer, Unplaced)
    assert "1 node(s) didn't match pod topology spread constraints" in answer.message


def test_a_node_without_the_label_is_told_apart() -> None:
    answer = _place(_state(lost=""), _pod("web-0", **_spread()))
    assert isinstance(answer, Unplaced)
    assert (
        "1 node(s) didn't match pod topology spread constraints (missing required label)"
        in answer.message
    )


def test_a_soft_constraint_is_a_wish() -> None:
    state = _state(a1="a", b1="b")
    state.assume(_pod("web-0"), "a1")
    assert _place(state, _pod("web-1", **_spread(hard=False))) == Placed("b1")
    assert isinstance(_place(_state(a1="a"), _pod("web-0", **_spread(hard=False))), Placed)


def test_pods_that_must_be_apart_are() -> None:
    state = _state(n1="a", n2="a")
    apart = _company("podAntiAffinity", "web")
    assert {_place(state, _pod(f"web-{n}", **apart)) for n in range(2)} == {
        Placed("n1"),
        Placed("n2"),
    }
    answer = _place(state, _pod("web-2", **apart))
    assert isinstance(answer, Unplaced)
    assert "2 node(s) didn't match pod anti-affinity rules" in answer.message


def test_a_pod_in_place_keeps_others_away() -> None:
    state = _state(n1="a", n2="a")
    assert _place(state, _pod("hermit", "hermit", **_company("podAntiAffinity", "web"))) == Placed(
        "n1"
    )
    assert _place(state, _pod("web-0")) == Placed("n2")
    alone = _state(n1="a")
    _place(alone, _pod("hermit", "hermit", **_company("podAntiAffinity", "web")))
    answer = _place(alone, _pod("web-0"))
    assert isinstance(answer, Unplaced)
    assert "1 node(s) didn't satisfy existing pods anti-affinity rules" in answer.message


def test_pods_that_must_be_near_go_together_and_the_first_goes_anywhere() -> None:
    state = _state(n1="a", n2="a", n3="b")
    near = _company("podAffinity", "web")
    answers = {_place(state, _pod(f"web-{n}", **near)) for n in range(3)}
    assert len(answers) == 1
    answer = _place(state, _pod("db", "db", **_company("podAffinity", "cache")))
    assert isinstance(answer, Unplaced)
    assert "3 node(s) didn't match pod affinity rules" in answer.message


def test_wishes_for_company_are_weighed() -> None:
    state = _state(n1="a", n2="a")
    state.assume(_pod("web-0"), "n2")
    assert _place(state, _pod("db", "db", **_company("podAffinity", "web", weight=9))) == Placed(
        "n2"
    )
    shy = _company("podAntiAffinity", "web", weight=9)
    assert _place(state, _pod("api", "api", **shy)) == Placed("n1")


def test_counts_follow_pods_that_leave() -> None:
    state = _state(n1="a")
    apart = _company("podAntiAffinity", "web")
    first = _pod("web-0", **apart)
    assert _place(state, first) == Placed("n1")
    state.forget(first, "n1")
    assert _place(state, _pod("web-1", **apart)) == Placed("n1")
