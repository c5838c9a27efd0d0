"""The order in which a StatefulSet's pods come, change and go, and what makes each of them itself."""

from typing import Any

import pytest

from labctl.api.objects import Obj, name
from labctl.controllers.revisions import HASH_LABEL, history, outdated, template_of
from labctl.controllers.statefulset.identity import claims, new_pod, ordinal
from labctl.controllers.statefulset.plan import Plan, plan
from labctl.controllers.writes import Create, Patch
from tests.controllers.objects import NOW, pod, template


def statefulset(replicas: int = 3, image: str = "nginx:1", **spec: Any) -> Obj:
    return {
        "metadata": {"name": "db", "namespace": "default", "uid": "uid-db", "generation": 1},
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "spec": {
            "replicas": replicas,
            "serviceName": "db",
            "selector": {"matchLabels": {"app": "web"}},
            "template": template(image),
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}},
            **spec,
        },
    }


FIRST = history(statefulset(image="nginx:1"), [], name_with_hash=True).present
SECOND = history(statefulset(image="nginx:2"), [FIRST], name_with_hash=True).present


def member(number: int, revision: Obj = FIRST, **changes: Any) -> Obj:
    labels = {"app": "web", HASH_LABEL: revision["metadata"]["labels"][HASH_LABEL]}
    return pod(f"db-{number}", labels=labels, **changes)


def step(owner: Obj, *pods: Obj) -> Plan:
    known = history(owner, [FIRST, SECOND], name_with_hash=True)
    return plan(owner, known, pods, NOW)


def made(found: Plan) -> list[str]:
    return [name(one) for one in found.create]


def ended(found: Plan) -> list[str]:
    return [name(one) for one in found.delete]


PARALLEL: Any = {"podManagementPolicy": "Parallel"}


@pytest.mark.parametrize(
    ("spec", "pods", "create", "delete"),
    [
        ({}, [], ["db-0"], []),
        ({}, [member(0, ready=False)], [], []),
        ({}, [member(0)], ["db-1"], []),
        ({}, [member(0), member(1), member(2)], [], []),
        ({}, [member(1), member(2)], ["db-0"], []),
        ({}, [member(0), member(1, deleting=True)], [], []),
        ({}, [member(0, phase="Failed")], [], ["db-0"]),
        ({}, [member(n) for n in range(5)], [], ["db-4"]),
        ({}, [*(member(n) for n in range(4)), member(4, deleting=True)], [], []),
        ({}, [member(0, ready=False), *(member(n) for n in (1, 2, 3))], [], []),
        (PARALLEL, [], ["db-0", "db-1", "db-2"], []),
        (PARALLEL, [member(1, ready=False)], ["db-0", "db-2"], []),
        (PARALLEL, [member(n) for n in range(5)], [], ["db-4", "db-3"]),
        ({"ordinals": {"start": 5}}, [], ["db-5"], []),
        ({"replicas": 0}, [member(0), member(1)], [], ["db-1"]),
    ],
)
def test_pods_come_from_below_and_go_from_above(
    spec: Obj, pods: list[Obj], create: list[str], delete: list[str]
) -> None:
    found = step(statefulset(**spec), *pods)
    assert (made(found), ended(found)) == (create, delete)


def test_an_update_goes_from_above_and_waits_for_each() -> None:
    owner = statefulset(image="nginx:2")
    assert ended(step(owner, member(0), member(1), member(2))) == ["db-2"]
    assert ended(step(owner, member(0), member(1), member(2, SECOND, ready=False))) == []
    assert ended(step(owner, member(0), member(1), member(2, SECOND))) == ["db-1"]
    assert ended(step(owner, *(member(n, SECOND) for n in range(3)))) == []


def test_below_the_partition_the_old_template_stays() -> None:
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}
    owner = statefulset(image="nginx:2", updateStrategy=rolling)
    owner["status"] = {"currentRevision": FIRST["metadata"]["labels"][HASH_LABEL]}
    assert ended(step(owner, member(0), member(1), member(2))) == ["db-2"]
    assert ended(step(owner, member(0), member(1), member(2, SECOND))) == []
    (again,) = step(owner, member(0)).create
    assert again["spec"]["containers"][0]["image"] == "nginx:1"


def test_ondelete_leaves_it_to_the_user() -> None:
    owner = statefulset(image="nginx:2", updateStrategy={"type": "OnDelete"})
    assert ended(step(owner, member(0), member(1), member(2))) == []
    (again,) = step(owner, member(0), member(1)).create
    assert again["spec"]["containers"][0]["image"] == "nginx:2"


def test_the_status_says_how_far_an_update_is() -> None:
    owner = statefulset(image="nginx:2")
    first, second = (one["metadata"]["labels"][HASH_LABEL] for one in (FIRST, SECOND))
    owner["status"] = {"currentRevision": first}
    status = step(owner, member(0), member(1), member(2, SECOND)).status
    assert (status["currentRevision"], status["updateRevision"]) == (first, second)
    assert (status["currentReplicas"], status["updatedReplicas"]) == (2, 1)
    status = step(owner, *(member(n, SECOND) for n in range(3))).status
    assert (status["currentRevision"], status["currentReplicas"]) == (second, 3)


def test_a_pod_is_told_who_it_is() -> None:
    owner = statefulset(volumeClaimTemplates=[{"metadata": {"name": "data"}, "spec": {"a": 1}}])
    made = new_pod(owner, FIRST, 1)
    assert name(made) == "db-1"
    assert made["metadata"]["labels"]["statefulset.kubernetes.io/pod-name"] == "db-1"
    assert made["metadata"]["labels"]["apps.kubernetes.io/pod-index"] == "1"
    assert (made["spec"]["hostname"], made["spec"]["subdomain"]) == ("db-1", "db")
    (volume,) = made["spec"]["volumes"]
    assert volume["persistentVolumeClaim"] == {"claimName": "data-db-1"}
    (claim,) = claims(owner, "db-1")
    assert (name(claim), claim["spec"]) == ("data-db-1", {"a": 1})
    assert ordinal(owner, made) == 1
    assert ordinal(owner, pod("db-x")) == ordinal(owner, pod("other-1")) == -1


def test_a_template_that_comes_back_is_the_newest_revision_again() -> None:
    owner = statefulset(image="nginx:1")
    back = history(owner, [FIRST, SECOND], name_with_hash=True)
    assert name(back.present) == name(FIRST)
    (write,) = back.writes
    assert isinstance(write, Patch)
    assert write.patch == {"revision": 3}
    assert history(owner, [FIRST]).writes == ()
    (write,) = history(statefulset(image="nginx:3"), [FIRST, SECOND]).writes
    assert isinstance(write, Create)
    assert write.obj["revision"] == 3
    assert template_of(owner, SECOND) == template("nginx:2")


def test_history_is_cut_but_not_what_is_in_use() -> None:
    owner = statefulset(image="nginx:2", revisionHistoryLimit=0)
    known = history(owner, [FIRST, SECOND], name_with_hash=True)
    assert len(outdated(owner, known, [])) == 1
    assert outdated(owner, known, [FIRST["metadata"]["labels"][HASH_LABEL]]) == []
