"""The scheduler's count of the cluster stays right however events and assumptions interleave."""

from hypothesis import given
from hypothesis import strategies as st

from labctl.api.objects import Obj
from labctl.scheduler.filters import NO_WAKE, Wake
from labctl.scheduler.podinfo import PodInfo
from labctl.scheduler.state import ClusterState


def _node(name: str, cpu: str = "4", **status: str) -> Obj:
    return {"metadata": {"name": name}, "status": {"allocatable": {"cpu": cpu}, **status}}


def _pod(name: str, node: str = "", uid: str = "", phase: str = "Pending") -> Obj:
    return {
        "metadata": {"name": name, "namespace": "default", "uid": uid or f"uid-{name}"},
        "spec": {
            "nodeName": node,
            "containers": [{"name": "c", "resources": {"requests": {"cpu": "1"}}}],
        },
        "status": {"phase": phase},
    }


def _cpu(state: ClusterState, node: str = "n1") -> int:
    return state.nodes[node].used.cpu


def test_an_assumed_pod_is_counted_once() -> None:
    state = ClusterState()
    state.node_changed(None, _node("n1"))
    state.assume(PodInfo.of(_pod("web")), "n1")
    assert _cpu(state) == 1000
    assert state.pod_changed(_pod("web"), _pod("web", "n1")) == NO_WAKE
    assert _cpu(state) == 1000


def test_a_forgotten_assumption_is_not_counted() -> None:
    state = ClusterState()
    state.node_changed(None, _node("n1"))
    pod = PodInfo.of(_pod("web"))
    state.assume(pod, "n1")
    state.forget(pod, "n1")
    assert (_cpu(state), state.nodes["n1"].pods) == (0, 0)


def test_finished_and_deleted_pods_leave_room() -> None:
    state = ClusterState()
    state.node_changed(None, _node("n1"))
    for name in ("a", "b"):
        assert state.pod_changed(None, _pod(name, "n1")) == Wake.POD_PLACED
    assert state.pod_changed(_pod("a", "n1"), _pod("a", "n1", phase="Failed")) == Wake.POD_GONE
    assert state.pod_changed(_pod("b", "n1"), None) == Wake.POD_GONE
    assert _cpu(state) == 0


def test_pods_seen_before_their_node_are_counted_when_it_comes() -> None:
    state = ClusterState()
    state.pod_changed(None, _pod("web", "n1"))
    assert state.node_changed(None, _node("n1")) == Wake.NODE
    assert _cpu(state) == 1000


def test_a_node_that_only_reports_wakes_nobody() -> None:
    state = ClusterState()
    state.node_changed(None, _node("n1"))
    state.pod_changed(None, _pod("web", "n1"))
    assert state.node_changed(_node("n1"), _node("n1", phase="x")) == NO_WAKE
    assert state.node_changed(_node("n1"), _node("n1", cpu="8")) == Wake.NODE
    assert _cpu(state) == 1000


def test_the_news_of_an_older_pod_of_the_name_change_nothing() -> None:
    state = ClusterState()
    state.node_changed(None, _node("n1"))
    state.assume(PodInfo.of(_pod("web", uid="new")), "n1")
    assert state.pod_changed(_pod("web", "n1", uid="old"), None) == NO_WAKE
    assert _cpu(state) == 1000


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3), st.integers(1, 2)), max_size=60))
def test_the_sum_is_always_that_of_the_pods_in_place(steps: list[tuple[int, int, int]]) -> None:
    state = ClusterState()
    for number in (1, 2):
        state.node_changed(None, _node(f"n{number}"))
    placed: dict[str, str] = {}
    for what, which, where in steps:
        name, node = f"pod{which}", f"n{where}"
        if what == 0:
            state.assume(PodInfo.of(_pod(name)), node)
            placed[name] = node
        elif what == 1 and name in placed:
            state.pod_changed(_pod(name), _pod(name, placed[name]))
        elif what == 2:
            state.pod_changed(_pod(name, placed.pop(name, node)), None)
        elif what == 3:
            state.forget(PodInfo.of(_pod(name)), node)
            if placed.get(name) == node:
                del placed[name]
        else:
            state.node_changed(_node(node), _node(node))
    for number in (1, 2):
        here = sum(node == f"n{number}" for node in placed.values())
        info = state.nodes[f"n{number}"]
        assert (info.pods, info.used.cpu, info.scored.cpu) == (here, 1000 * here, 1000 * here)
