"""One pass over a Deployment as a value: what is created, scaled, deleted, and what is told."""

from typing import Any

import pytest

from labctl.api.objects import Obj, format_time
from labctl.controllers.deployment.annotations import DESIRED, HISTORY, MAXIMUM, REVISION
from labctl.controllers.deployment.plan import Plan, plan
from tests.controllers.objects import NOW, deployment, replicaset


def _plan(owner: Obj, *sets: Obj, old_pods_run: bool = False, now: float = NOW) -> Plan:
    return plan(owner, sets, old_pods_run=old_pods_run, now=now)


def _sized(name: str, replicas: int, wanted: int, maximum: int, **more: Any) -> Obj:
    notes = {DESIRED: str(wanted), MAXIMUM: str(maximum), REVISION: str(more.pop("revision", 1))}
    return replicaset(name, replicas, annotations=notes, **more)


def _scaled(decided: Plan) -> dict[str, int]:
    return {one.member.name: one.replicas for one in decided.changes if one.replicas is not None}


def _condition(decided: Plan, type_: str) -> tuple[str, str, str]:
    found = next(one for one in decided.status["conditions"] if one["type"] == type_)
    return found["status"], found["reason"], found["message"]


def _progressing(reason: str, *, seconds_ago: float = 5.0, status: str = "True") -> Obj:
    when = format_time(NOW - seconds_ago)
    return {
        "type": "Progressing",
        "status": status,
        "reason": reason,
        "message": "",
        "lastUpdateTime": when,
        "lastTransitionTime": when,
    }


def test_a_new_deployment_gets_a_replicaset_of_full_size() -> None:
    decided = _plan(deployment(3))
    created = decided.create
    assert created is not None
    digest = created["metadata"]["labels"]["pod-template-hash"]
    assert created["metadata"]["name"] == f"web-{digest}"
    assert created["spec"]["replicas"] == 3
    assert created["spec"]["selector"]["matchLabels"] == {"app": "web", "pod-template-hash": digest}
    assert created["spec"]["template"]["metadata"]["labels"]["pod-template-hash"] == digest
    assert created["metadata"]["annotations"] == {DESIRED: "3", MAXIMUM: "4", REVISION: "1"}
    assert created["metadata"]["ownerReferences"][0]["uid"] == "uid-web"
    assert decided.revision == "1"


def test_a_new_replicaset_is_told_of() -> None:
    decided = _plan(deployment(3))
    assert decided.create is not None
    name = decided.create["metadata"]["name"]
    told = ("True", "NewReplicaSetCreated", f'Created new replica set "{name}"')
    assert _condition(decided, "Progressing") == told
    assert _condition(decided, "Available") == (
        "False",
        "MinimumReplicasUnavailable",
        "Deployment does not have minimum availability.",
    )


def test_a_changed_template_begins_a_rollout_within_surge() -> None:
    old = _sized("web-old", 4, 4, 5, image="nginx:1", revision=3)
    decided = _plan(deployment(4, image="nginx:2"), old)
    assert decided.create is not None
    assert decided.create["spec"]["replicas"] == 1
    assert decided.create["metadata"]["annotations"][REVISION] == "4"


def test_a_rollout_takes_one_action_a_step() -> None:
    old = _sized("web-old", 4, 4, 5, image="nginx:1")
    new = _sized("web-new", 1, 4, 5, image="nginx:2", revision=2, age=1)
    owner = deployment(4, image="nginx:2")
    assert _scaled(_plan(owner, old, new)) == {"web-old": 2}
    old = _sized("web-old", 2, 4, 5, image="nginx:1")
    assert _scaled(_plan(owner, old, new)) == {"web-new": 3}


def test_a_scaling_holds_only_for_the_replicaset_as_it_was_seen() -> None:
    old = _sized("web-old", 4, 4, 5, image="nginx:1")
    new = _sized("web-new", 1, 4, 5, image="nginx:2", revision=2, age=1)
    (change,) = _plan(deployment(4, image="nginx:2"), old, new).changes
    assert change.patch == {"metadata": {"resourceVersion": "7"}, "spec": {"replicas": 2}}


def test_a_rollback_finds_the_old_replicaset_and_raises_its_revision() -> None:
    first = _sized("web-one", 0, 3, 4, image="nginx:1", revision=1, age=90)
    second = _sized("web-two", 3, 3, 4, image="nginx:2", revision=2)
    decided = _plan(deployment(3, image="nginx:1"), first, second)
    (change,) = decided.changes
    assert change.member.name == "web-one"
    assert change.replicas == 1
    assert change.annotations == {REVISION: "3", HISTORY: "1"}
    assert decided.create is None
    assert decided.revision == "3"


def test_a_resized_deployment_scales_all_active_replicasets() -> None:
    old = _sized("web-old", 6, 10, 10, image="nginx:1")
    new = _sized("web-new", 4, 10, 10, image="nginx:2", revision=2, age=1)
    strategy = {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}
    decided = _plan(deployment(20, image="nginx:2", strategy=strategy), old, new)
    assert _scaled(decided) == {"web-old": 12, "web-new": 8}
    assert all(one.annotations[DESIRED] == "20" for one in decided.changes)


def test_a_paused_deployment_scales_but_does_not_roll_out() -> None:
    old = _sized("web-old", 3, 3, 4, image="nginx:1")
    decided = _plan(deployment(5, image="nginx:2", paused=True), old)
    assert decided.create is None
    assert _scaled(decided) == {"web-old": 5}
    assert _condition(decided, "Progressing") == (
        "Unknown",
        "DeploymentPaused",
        "Deployment is paused",
    )


def test_a_resumed_deployment_says_so_and_goes_on() -> None:
    owner = deployment(3, image="nginx:2")
    owner["status"] = {"conditions": [_progressing("DeploymentPaused", status="Unknown")]}
    old = _sized("web-old", 3, 3, 4, image="nginx:1")
    decided = _plan(owner, old)
    assert decided.create is not None
    assert _condition(decided, "Progressing")[1] == "NewReplicaSetCreated"


@pytest.mark.parametrize(
    ("replicas", "actual", "pods_run", "created", "scaled"),
    [
        (3, 3, True, False, {"web-old": 0}),  # first the old ones are told to end
        (0, 3, True, False, {}),  # then it waits for their pods
        (0, 0, True, False, {}),  # also for those that are still ending
        (0, 0, False, True, {}),  # and only then begins
    ],
)
def test_recreate_waits_for_the_end_of_the_old(
    *, replicas: int, actual: int, pods_run: bool, created: bool, scaled: dict[str, int]
) -> None:
    old = _sized("web-old", replicas, 3, 3, image="nginx:1", actual=actual)
    owner = deployment(3, image="nginx:2", strategy={"type": "Recreate"})
    decided = _plan(owner, old, old_pods_run=pods_run)
    assert (decided.create is not None) == created
    assert _scaled(decided) == scaled
    if decided.create is not None:
        assert decided.create["spec"]["replicas"] == 3


def test_a_complete_rollout_says_so() -> None:
    new = _sized("web-new", 3, 3, 4)
    owner = deployment(3)
    owner["status"] = {"conditions": [_progressing("ReplicaSetUpdated")]}
    decided = _plan(owner, new)
    assert _condition(decided, "Progressing") == (
        "True",
        "NewReplicaSetAvailable",
        'ReplicaSet "web-new" has successfully progressed.',
    )
    assert _condition(decided, "Available") == (
        "True",
        "MinimumReplicasAvailable",
        "Deployment has minimum availability.",
    )
    counts = {k: v for k, v in decided.status.items() if k != "conditions"}
    assert counts == {
        "observedGeneration": 1,
        "replicas": 3,
        "updatedReplicas": 3,
        "readyReplicas": 3,
        "availableReplicas": 3,
    }
    assert decided.look_again is None


def test_a_second_pass_over_a_complete_rollout_changes_nothing() -> None:
    new = _sized("web-new", 3, 3, 4)
    first = _plan(deployment(3), new)
    settled = deployment(3)
    settled["status"] = first.status
    settled["metadata"]["annotations"] = {REVISION: "1"}
    second = _plan(settled, new, now=NOW + 100)
    assert second.status == first.status
    assert (second.create, second.changes, second.delete, second.revision) == (None, (), (), "")


def test_progress_moves_the_deadline() -> None:
    new = _sized("web-new", 3, 3, 4, available=2)
    owner = deployment(3)
    owner["status"] = {
        "replicas": 3,
        "updatedReplicas": 3,
        "availableReplicas": 1,
        "conditions": [_progressing("ReplicaSetUpdated", seconds_ago=590)],
    }
    decided = _plan(owner, new)
    found = next(one for one in decided.status["conditions"] if one["type"] == "Progressing")
    assert found["message"] == 'ReplicaSet "web-new" is progressing.'
    assert found["lastUpdateTime"] == format_time(NOW)
    assert found["lastTransitionTime"] == format_time(NOW - 590)
    assert decided.look_again == pytest.approx(601, abs=1)


def test_standstill_past_the_deadline_is_a_failure() -> None:
    new = _sized("web-new", 3, 3, 4, available=0)
    owner = deployment(3)
    owner["status"] = {
        "replicas": 3,
        "updatedReplicas": 3,
        "conditions": [_progressing("ReplicaSetUpdated", seconds_ago=601)],
    }
    decided = _plan(owner, new)
    assert _condition(decided, "Progressing") == (
        "False",
        "ProgressDeadlineExceeded",
        'ReplicaSet "web-new" has timed out progressing.',
    )
    assert decided.look_again is None


def test_a_failure_to_make_pods_shows_on_the_deployment() -> None:
    new = _sized("web-new", 3, 3, 4, available=0)
    failed = {
        "type": "ReplicaFailure",
        "status": "True",
        "reason": "FailedCreate",
        "message": "no",
        "lastTransitionTime": format_time(NOW),
    }
    new["status"]["conditions"] = [failed]
    assert _condition(_plan(deployment(3), new), "ReplicaFailure") == ("True", "FailedCreate", "no")


def test_history_beyond_its_limit_goes_lowest_revision_first() -> None:
    old = [
        _sized(f"web-{n}", 0, 3, 4, image=f"nginx:{n}", revision=n, age=100 - n)
        for n in range(1, 6)
    ]
    new = _sized("web-new", 3, 3, 4, image="nginx:9", revision=6, age=1)
    decided = _plan(deployment(3, image="nginx:9", revisionHistoryLimit=2), *old, new)
    assert [one["metadata"]["name"] for one in decided.delete] == ["web-1", "web-2", "web-3"]


def test_a_deployment_that_is_being_deleted_only_counts() -> None:
    owner = deployment(3, image="nginx:2")
    owner["metadata"]["deletionTimestamp"] = format_time(NOW)
    decided = _plan(owner, _sized("web-old", 3, 3, 4, image="nginx:1"))
    assert (decided.create, decided.changes) == (None, ())
    assert decided.status["replicas"] == 3
