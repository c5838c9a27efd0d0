"""Which pods a ReplicaSet counts as its own, how many it makes, and whom it gives up first."""

import pytest

from labctl.api.objects import Obj, format_time, name, owner_reference
from labctl.controllers.claim import claim, owned_pod
from labctl.controllers.pods import is_active, next_availability, ready_since
from labctl.controllers.replicaset import plan
from labctl.controllers.replicaset.census import census_of
from labctl.controllers.replicaset.victims import DELETION_COST, victims
from tests.controllers.objects import NOW, pod, replicaset

_LABELS = {"app": "web", "pod-template-hash": "abc"}


def _rs(replicas: int = 3) -> Obj:
    return replicaset("web-abc", replicas)


def test_active_pods_that_match_are_counted() -> None:
    owned = [
        pod("runs", labels=_LABELS),
        pod("ends", labels=_LABELS, deleting=True),
        pod("failed", labels=_LABELS, phase="Failed"),
        pod("relabelled", labels={"app": "other"}),
    ]
    orphans = [pod("orphan", labels=_LABELS), pod("stranger", labels={"app": "db"})]
    found = claim(_rs(), owned, orphans, is_active)
    assert [name(one) for one in found.mine] == ["runs"]
    assert [name(one) for one in found.release] == ["relabelled"]
    assert [name(one) for one in found.adopt] == ["orphan"]


def test_a_replicaset_that_is_being_deleted_adopts_nothing() -> None:
    dying = _rs()
    dying["metadata"]["deletionTimestamp"] = format_time(NOW)
    found = claim(dying, [pod("mine", labels=_LABELS)], [pod("orphan", labels=_LABELS)], is_active)
    assert ([name(one) for one in found.mine], found.adopt, found.release) == (["mine"], (), ())


@pytest.mark.parametrize(
    ("replicas", "present", "expected"), [(3, 1, 2), (3, 3, 0), (1, 4, -3), (2000, 0, 500)]
)
def test_a_pass_makes_or_ends_at_most_five_hundred(
    replicas: int, present: int, expected: int
) -> None:
    assert plan.missing(_rs(replicas), present) == expected


def test_creation_starts_slowly() -> None:
    assert list(plan.slow_start(20)) == [1, 2, 4, 8, 5]
    assert list(plan.slow_start(0)) == []


def test_a_new_pod_is_the_template_with_an_owner() -> None:
    owner = _rs()
    made = owned_pod(owner, owner["spec"]["template"])
    assert made["metadata"]["generateName"] == "web-abc-"
    assert made["metadata"]["labels"] == _LABELS
    assert made["metadata"]["ownerReferences"] == [owner_reference(owner)]
    assert made["spec"] == owner["spec"]["template"]["spec"]


def test_the_status_counts_ready_available_and_fully_labelled() -> None:
    owner = _rs(3)
    owner["spec"]["minReadySeconds"] = 60
    pods = [
        pod("old", labels=_LABELS, ready_for=100),
        pod("young", labels=_LABELS, ready_for=10),
        pod("unready", labels={"app": "web"}, ready=False),
    ]
    assert plan.status(owner, census_of(pods), None, NOW) == {
        "replicas": 3,
        "fullyLabeledReplicas": 2,
        "readyReplicas": 2,
        "availableReplicas": 1,
        "observedGeneration": 1,
    }
    assert next_availability(map(ready_since, pods), 60, NOW) == 50


def test_a_failure_is_a_condition_until_it_is_over() -> None:
    owner = _rs(3)
    failed = plan.status(owner, {}, plan.Failure("FailedCreate", "no room"), NOW)
    assert [(one["type"], one["reason"], one["message"]) for one in failed["conditions"]] == [
        ("ReplicaFailure", "FailedCreate", "no room")
    ]
    owner["status"] = failed
    assert "conditions" not in plan.status(owner, {}, None, NOW)


_ORDER = [
    # each pod goes before the next, for the reason in its name
    pod("unassigned", node="", phase="Pending", ready=False),
    pod("pending", phase="Pending", ready=False),
    pod("unknown", phase="Unknown", ready=False),
    pod("unready", ready=False),
    pod("cheap", annotations={DELETION_COST: "-5"}),
    pod("crowded", node="node2"),
    pod("just-ready", ready_for=1),
    pod("restarted", restarts=3),
    pod("young", age=3.0),
    pod("plain"),
    pod("dear", annotations={DELETION_COST: "5"}),
]


@pytest.mark.parametrize("at", range(len(_ORDER) - 1))
def test_victims_go_in_kubernetes_order(at: int) -> None:
    pair = [_ORDER[at + 1], _ORDER[at]]
    siblings = [*pair, pod("crowd", node="node2"), pod("alone")]
    if at == 5:
        siblings = [*pair, pod("a", node="node2"), pod("b", node="node2")]
    assert victims(pair, 1, siblings, NOW) == [_ORDER[at]]


def test_a_deletion_cost_that_is_no_number_counts_as_none() -> None:
    odd = pod("odd", annotations={DELETION_COST: "cheap"})
    assert victims([pod("plain"), odd], 2, [], NOW) == [odd, pod("plain")]
