"""SecurityContexts and resources of pods, as what the runtime is told."""

from typing import Any

import pytest

from labctl.api.objects import Obj
from labctl.cgroups.limits import Limits
from labctl.cri.messages import Security
from labctl.node.pods.limits import PODS_PIDS, container_limits, oom_score, pod_limits
from labctl.node.pods.security import not_applied, security_of
from tests.node.pods import pod

GIB, MIB = 1 << 30, 1 << 20


def _security(whole: Obj, own: Obj) -> Security:
    obj = pod(securityContext=whole)
    container = {**obj["spec"]["containers"][0], "securityContext": own}
    return security_of({**obj, "spec": {**obj["spec"], "containers": [container]}}, container, GIB)


@pytest.mark.parametrize(
    ("whole", "own", "wishes"),
    [
        ({}, {}, {}),
        ({"runAsUser": 1000, "runAsGroup": 2000}, {}, {"user": 1000, "group": 2000}),
        ({"runAsUser": 1000}, {"runAsUser": 0}, {"user": 0}),
        ({"runAsNonRoot": True}, {}, {"non_root": True}),
        ({"runAsNonRoot": True}, {"runAsNonRoot": False}, {}),
        ({"supplementalGroups": [5, 6], "fsGroup": 6}, {}, {"groups": (5, 6)}),
        ({"fsGroup": 0}, {}, {"groups": (0,)}),
        (
            {},
            {"capabilities": {"add": ["NET_ADMIN"], "drop": ["ALL"]}},
            {"add": ("NET_ADMIN",), "drop": ("ALL",)},
        ),
        ({}, {"privileged": True}, {"privileged": True}),
        ({}, {"allowPrivilegeEscalation": False}, {"escalation": False}),
        ({}, {"allowPrivilegeEscalation": True}, {}),
        ({}, {"readOnlyRootFilesystem": True}, {"read_only_root": True}),
    ],
)
def test_a_container_says_more_than_its_pod(whole: Obj, own: Obj, wishes: dict[str, Any]) -> None:
    assert _security(whole, own) == Security(**{"oom_score": 1000, **wishes})


def _with(*resources: Obj, **spec: Any) -> Obj:
    containers = [
        {"name": f"c{number}", "image": "x", "resources": one}
        for number, one in enumerate(resources)
    ]
    return {**pod(), "spec": {"containers": containers, **spec}}


def test_what_a_container_may_use() -> None:
    both = {"requests": {"cpu": "250m"}, "limits": {"cpu": "1500m", "memory": "64Mi"}}
    assert container_limits({"resources": both}) == Limits(64 * MIB, 150_000, 256)
    assert container_limits({}) == Limits(cpu_shares=2)
    assert container_limits({"resources": {"limits": {"cpu": "1m"}}}) == Limits(0, 1000, 2)
    huge = {"requests": {"cpu": "1000"}}
    assert container_limits({"resources": huge}).cpu_shares == 262_144


def test_what_a_pod_may_use_is_the_sum_where_every_container_is_limited() -> None:
    one = {"requests": {"cpu": "100m"}, "limits": {"memory": "64Mi", "cpu": "1"}}
    two = {"requests": {"cpu": "200m"}, "limits": {"memory": "32Mi"}}
    assert pod_limits(_with(one, two)) == Limits(96 * MIB, 0, 307, PODS_PIDS)
    assert pod_limits(_with(one, {})) == Limits(0, 0, 102, PODS_PIDS)
    assert pod_limits(_with({})) == Limits(0, 0, 2, PODS_PIDS)


def test_a_pod_is_ended_for_want_of_memory_by_its_class() -> None:
    guaranteed = _with({"limits": {"cpu": "1", "memory": "1Gi"}})
    burstable = _with({"requests": {"memory": "256Mi"}})
    most = _with({"requests": {"memory": "2Gi"}})
    little = _with({"requests": {"cpu": "1"}})
    scores = [
        oom_score(one, one["spec"]["containers"][0], GIB)
        for one in (guaranteed, burstable, most, little, _with({}))
    ]
    assert scores == [0, 750, 3, 999, 1000]


def test_what_is_not_applied_is_said() -> None:
    quiet = pod(securityContext={"seccompProfile": {"type": "Unconfined"}})
    assert list(not_applied(quiet, quiet["spec"]["containers"][0])) == []
    loud = pod(
        hostPID=True, hostIPC=True, securityContext={"seccompProfile": {"type": "Localhost"}}
    )
    own = {"name": "c", "securityContext": {"appArmorProfile": {"type": "RuntimeDefault"}}}
    assert list(not_applied(loud, own)) == [
        "hostPID: the processes of a node are its machine's, the pod has its own",
        "hostIPC: the IPC objects of a node are its machine's, the pod has its own",
        "seccompProfile: no seccomp profile is applied",
        "appArmorProfile: no AppArmor profile is applied",
    ]
