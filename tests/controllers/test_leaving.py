"""Pods that must leave a tainted node, pods that nobody finishes, and namespaces that end."""

import pytest

from labctl.api.kinds.core import CONFIGMAPS, PODS
from labctl.api.objects import Obj, name
from labctl.api.taints import OUT_OF_SERVICE, UNREACHABLE, stay, tolerates
from labctl.controllers import namespace, pod_gc, taint_eviction
from labctl.controllers.node_ipam import allocate
from labctl.controllers.taint_eviction import Eviction
from tests.controllers.objects import NOW, node, pod

_TAINT = {"key": UNREACHABLE, "effect": "NoExecute"}
_OTHER = {"key": "broken", "value": "yes", "effect": "NoExecute"}


def _toleration(seconds: int | None = None, **fields: str) -> Obj:
    toleration: Obj = {"key": UNREACHABLE, "operator": "Exists", "effect": "NoExecute", **fields}
    return toleration if seconds is None else {**toleration, "tolerationSeconds": seconds}


@pytest.mark.parametrize(
    ("toleration", "expected"),
    [
        ({"operator": "Exists"}, True),
        ({"key": "broken", "operator": "Exists"}, True),
        ({"key": "broken", "operator": "Equal", "value": "yes"}, True),
        ({"key": "broken", "value": "yes"}, True),
        ({"key": "broken", "value": "no"}, False),
        ({"key": "broken"}, False),
        ({"key": "other", "operator": "Exists"}, False),
        ({"key": "broken", "operator": "Exists", "effect": "NoSchedule"}, False),
        ({"key": "broken", "operator": "Exists", "effect": "NoExecute"}, True),
    ],
)
def test_tolerations_match_key_value_and_effect(toleration: Obj, *, expected: bool) -> None:
    assert tolerates(toleration, _OTHER) is expected


@pytest.mark.parametrize(
    ("taints", "tolerations", "seconds"),
    [
        ([], [], None),
        ([{"key": "x", "effect": "NoSchedule"}], [], None),
        ([_TAINT], [], 0.0),
        ([_TAINT], [_toleration()], None),
        ([_TAINT], [_toleration(300)], 300.0),
        ([_TAINT], [_toleration(-5)], 0.0),
        ([_TAINT, _OTHER], [_toleration(300)], 0.0),
        ([_TAINT, _OTHER], [_toleration(300), _toleration(20, key="broken")], 20.0),
        ([_TAINT], [_toleration(300), _toleration(20, key="broken")], 300.0),
    ],
)
def test_a_pod_stays_as_long_as_its_tolerations_say(
    taints: list[Obj], tolerations: list[Obj], seconds: float | None
) -> None:
    assert stay(taints, tolerations) == seconds


def test_an_appointment_runs_from_the_first_taint() -> None:
    patient = pod("web", tolerations=[_toleration(300)])
    first = taint_eviction.appoint(patient, node(taints=[_TAINT]), None, 100.0)
    assert first == Eviction("uid-web", 100.0, 400.0)
    again = taint_eviction.appoint(patient, node(taints=[_TAINT]), first, 250.0)
    assert again == first
    assert taint_eviction.appoint(patient, node(), first, 260.0) is None


def test_another_pod_of_the_name_has_its_own_appointment() -> None:
    old = Eviction("uid-old", 0.0, 300.0)
    fresh = pod("web", tolerations=[_toleration(300)])
    assert taint_eviction.appoint(fresh, node(taints=[_TAINT]), old, 100.0) == Eviction(
        "uid-web", 100.0, 400.0
    )


@pytest.mark.parametrize("changes", [{"deleting": True}, {"phase": "Failed"}])
def test_what_has_ended_or_is_ending_is_not_evicted(changes: Obj) -> None:
    assert taint_eviction.appoint(pod("web", **changes), node(taints=[_TAINT]), None, 0.0) is None


def test_the_reason_of_an_eviction_is_told_once() -> None:
    patch = taint_eviction.disruption(pod("web"), NOW)
    assert patch is not None
    (told,) = patch["status"]["conditions"]
    assert (told["type"], told["reason"]) == ("DisruptionTarget", "DeletionByTaintManager")
    marked = pod("web")
    marked["status"]["conditions"].append(told)
    assert taint_eviction.disruption(marked, NOW) is None


def test_leftovers_are_those_that_nobody_else_finishes() -> None:
    dead = node("dead", ready="Unknown", taints=[{"key": OUT_OF_SERVICE, "effect": "NoExecute"}])
    pods = [
        pod("fine"),
        pod("orphan", node="gone"),
        pod("maybe", node="missing"),
        pod("waiting", node="", phase="Pending"),
        pod("never-placed", node="", phase="Pending", deleting=True),
        pod("ending", deleting=True),
        pod("stuck", node="dead", deleting=True),
    ]
    nodes = {"node1": node(), "dead": dead}
    found = {name(one.pod): one.message for one in pod_gc.leftovers(pods, nodes, ["gone"])}
    assert found == {
        "orphan": "PodGC: node no longer exists",
        "never-placed": "",
        "stuck": "PodGC: node is out of service",
    }


def test_finished_pods_beyond_the_threshold_go_oldest_first() -> None:
    pods = [pod(f"done{age}", phase="Succeeded", age=age) for age in (10.0, 30.0, 20.0)]
    found = pod_gc.leftovers(pods, {"node1": node()}, [], threshold=1)
    assert [name(one.pod) for one in found] == ["done30.0", "done20.0"]


@pytest.mark.parametrize(
    ("address", "taken", "expected"),
    [
        ("172.30.1.3", [], "10.244.3.0/24"),
        ("172.30.1.3", ["10.244.3.0/24"], "10.244.1.0/24"),
        ("172.30.1.3", ["10.244.1.0/24", "10.244.3.0/24"], "10.244.2.0/24"),
        ("192.0.2.7", [], "10.244.1.0/24"),
    ],
)
def test_a_node_gets_the_subnet_of_its_number_or_the_lowest_free(
    address: str, taken: list[str], expected: str
) -> None:
    assert allocate("10.244.0.0/16", node(address=address), taken) == expected


def test_the_last_subnet_is_found_and_then_there_is_none() -> None:
    small = "10.0.0.0/23"
    assert allocate(small, node(), []) == "10.0.1.0/24"
    assert allocate(small, node(), ["10.0.1.0/24"]) == "10.0.0.0/24"
    assert allocate(small, node(), ["10.0.1.0/24", "10.0.0.0/24"]) is None


def test_a_namespace_tells_what_keeps_it() -> None:
    held = pod("web")
    held["metadata"]["finalizers"] = ["example.com/hold"]
    left = namespace.remains([(PODS, held), (PODS, pod("db")), (CONFIGMAPS, pod("cm"))])
    told = {one["type"]: one for one in namespace.conditions([], left, NOW)}
    assert told["NamespaceContentRemaining"]["message"] == (
        "Some resources are remaining: configmaps. has 1 resource instances,"
        " pods. has 2 resource instances"
    )
    assert told["NamespaceFinalizersRemaining"]["message"] == (
        "Some content in the namespace has finalizers remaining:"
        " example.com/hold in 1 resource instances"
    )
    assert told["NamespaceContentRemaining"]["status"] == "True"


def test_an_empty_namespace_says_so() -> None:
    told = {one["type"]: one for one in namespace.conditions([], namespace.Remains(), NOW)}
    assert {one["status"] for one in told.values()} == {"False"}
    assert told["NamespaceContentRemaining"]["message"] == "All content successfully removed"
