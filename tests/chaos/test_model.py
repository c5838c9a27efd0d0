"""The model finds what is wrong with histories made up to be so, and nothing in good ones."""

from typing import Any

import pytest

from labctl.api.objects import Obj
from tests.chaos.model import Change, breaches


def pod(at: int, name: str = "p", what: str = "MODIFIED", **fields: Any) -> Change:
    metadata: Obj = {"name": name, "uid": f"uid-{name}", "resourceVersion": str(at)}
    if owner := fields.get("owner"):
        metadata["ownerReferences"] = [{"uid": owner, "controller": True}]
    status = {"podIP": fields.get("ip", ""), "phase": fields.get("phase", "Running")}
    spec = {"nodeName": fields.get("node", "")}
    return Change(what, "Pod", {"metadata": metadata, "spec": spec, "status": status})


def deployment(at: int, replicas: int, generation: int = 1, observed: int = 1) -> Change:
    metadata: Obj = {"name": "d", "uid": "d", "resourceVersion": str(at), "generation": generation}
    rolling = {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 1}}
    spec = {"replicas": replicas, "strategy": rolling}
    status = {"observedGeneration": observed}
    return Change("MODIFIED", "Deployment", {"metadata": metadata, "spec": spec, "status": status})


def replica_set(
    at: int, name: str, replicas: int, available: int = 0, desired: int = 3, **fields: int
) -> Change:
    metadata: Obj = {"name": name, "uid": name, "resourceVersion": str(at)}
    metadata |= {"generation": fields.get("generation", 1)}
    metadata["ownerReferences"] = [{"uid": "d", "controller": True}]
    metadata["annotations"] = {"deployment.kubernetes.io/desired-replicas": str(desired)}
    status = {"availableReplicas": available, "observedGeneration": fields.get("observed", 1)}
    spec = {"replicas": replicas}
    return Change("MODIFIED", "ReplicaSet", {"metadata": metadata, "spec": spec, "status": status})


START = [deployment(1, 3), replica_set(2, "old", 3), replica_set(3, "old", 3, 3)]

GOOD = {
    "an address is given again after its pod": [
        pod(1, "a", ip="10.0.0.1"),
        pod(2, "a", "DELETED", ip="10.0.0.1"),
        pod(3, "b", ip="10.0.0.1"),
    ],
    "an address is given again after its pod ended": [
        pod(1, "a", ip="10.0.0.1"),
        pod(2, "a", ip="10.0.0.1", phase="Failed"),
        pod(3, "b", ip="10.0.0.1"),
    ],
    "a pod gets its node": [pod(1), pod(2, node="n1"), pod(3, node="n1")],
    "a rollout": [
        *START,
        replica_set(4, "new", 1),
        replica_set(5, "old", 2, 3),
        replica_set(6, "new", 1, 1),
        replica_set(7, "old", 1, 2),
    ],
    "unavailable by a fault, and what does not run goes": [
        *START,
        *(replica_set(at, "old", 3, 1) for at in (4, 5, 6)),
        replica_set(7, "old", 1, 1),
    ],
    "scaled down": [*START, deployment(4, 1, 2), replica_set(5, "old", 1, 3, desired=1)],
}

BAD = {
    "p: revision 1 after 2": [pod(2), pod(1)],
    "is MODIFIED at 3": [pod(1), pod(2, what="DELETED"), pod(3)],
    "went from n1 to n2": [pod(1, node="n1"), pod(2, node="n2")],
    "went from n1 to no node": [pod(1, node="n1"), pod(2)],
    "10.0.0.1 of b is also that of uid-a": [pod(1, "a", ip="10.0.0.1"), pod(2, "b", ip="10.0.0.1")],
    "new: 5 replicas, not 4, at 4": [*START, replica_set(4, "new", 2)],
    "new: 6 replicas, not 5": [*START, deployment(4, 4, 2, 2), replica_set(5, "new", 3)],
    "old: leaves 1 available, not 2": [
        *START,
        replica_set(4, "new", 1),
        replica_set(5, "old", 1, 3),
    ],
    "pod q is one of 2, not 1": [
        deployment(1, 3),
        replica_set(2, "old", 1),
        pod(3, "p", "ADDED", owner="old"),
        pod(4, "q", "ADDED", owner="old"),
    ],
}


@pytest.mark.parametrize("case", GOOD)
def test_a_good_history(case: str) -> None:
    assert breaches(GOOD[case]) == []


@pytest.mark.parametrize("said", BAD)
def test_a_bad_history(said: str) -> None:
    (wrong,) = breaches(BAD[said])
    assert said in wrong
