"""kubectl drain against a real lab: it evicts, waits for the budget, and leaves the node empty."""

import os

import pytest

from tests.command import Labctl
from tests.conftest import MakeLab
from tests.waiting import until

_WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: NS}
spec:
  replicas: 4
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: nginx, ports: [{containerPort: 80}]}]
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web, namespace: NS}
spec: {minAvailable: 3, selector: {matchLabels: {app: web}}}
---
apiVersion: v1
kind: Pod
metadata: {name: scratch, namespace: NS}
spec:
  nodeName: node1
  containers: [{name: c, image: nginx, volumeMounts: [{name: v, mountPath: /v}]}]
  volumes: [{name: v, emptyDir: {}}]
"""
_NODE = ("-o", "jsonpath={.items[*].spec.nodeName}")


@pytest.fixture(scope="module")
def lab_of_two(make_lab: MakeLab) -> Labctl:
    return make_lab("--nodes", "2")


@pytest.fixture(scope="module")
def space(lab_of_two: Labctl) -> str:
    name = f"drain-{os.getpid()}"
    lab_of_two.ok("create", "namespace", name)
    lab_of_two.ok("apply", "-f", "-", stdin=_WEB.replace("NS", name))
    lab_of_two.ok("rollout", "status", "deployment/web", "-n", name)
    lab_of_two.ok("wait", "--for=condition=Ready", "pod/scratch", "-n", name)
    return name


def test_a_drain_keeps_the_budget_and_empties_the_node(lab_of_two: Labctl, space: str) -> None:
    refused = lab_of_two("kubectl", "drain", "node1")
    assert refused.code == 1
    assert "cannot delete Pods with local storage" in refused.err
    words = ("--delete-emptydir-data", "--force", "--ignore-daemonsets", "--timeout=60s")
    out = lab_of_two.ok("kubectl", "drain", "node1", *words)
    assert out.splitlines()[-1] == "node/node1 drained"
    assert "pod/scratch evicted" in out
    found = lab_of_two.ok("get", "pods", "-n", space, *_NODE)
    assert set(found.split()) == {"node2"}
    lab_of_two.ok("rollout", "status", "deployment/web", "-n", space)
    lab_of_two.ok("kubectl", "uncordon", "node1")


def test_a_budget_that_allows_nothing_holds_a_drain_up(lab_of_two: Labctl, space: str) -> None:
    patch = '{"spec":{"minAvailable":4}}'
    lab_of_two.ok("kubectl", "patch", "pdb", "web", "-n", space, "-p", patch)
    until(lambda: _allowed(lab_of_two, space) == "0")
    result = lab_of_two("kubectl", "drain", "node2", "--timeout=1s")
    assert result.code == 1
    assert "Cannot evict pod as it would violate the pod's disruption budget." in result.err
    lab_of_two.ok("kubectl", "uncordon", "node2")
    described = lab_of_two.ok("kubectl", "describe", "pdb", "web", "-n", space)
    for line in ("Min available:  4", "Allowed disruptions:  0", "Desired:              4"):
        assert line in described


def _allowed(labctl: Labctl, space: str) -> str:
    where = ("-o", "jsonpath={.status.disruptionsAllowed}")
    return labctl.ok("get", "pdb", "web", "-n", space, *where)


def test_quotas_and_limits_are_described(lab_of_two: Labctl, space: str) -> None:
    manifest = """\
apiVersion: v1
kind: ResourceQuota
metadata: {name: q, namespace: NS}
spec: {hard: {pods: "9", requests.cpu: "2"}}
---
apiVersion: v1
kind: LimitRange
metadata: {name: l, namespace: NS}
spec: {limits: [{type: Container, max: {cpu: 500m}, defaultRequest: {cpu: 100m}}]}
"""
    lab_of_two.ok("apply", "-f", "-", stdin=manifest.replace("NS", space))
    where = ("-n", space, "-o", "jsonpath={.status.used.pods}")
    until(lambda: lab_of_two.ok("get", "quota", "q", *where) == "4")
    described = lab_of_two.ok("kubectl", "describe", "quota", "q", "-n", space)
    assert [row.split() for row in described.splitlines()[2:]] == [
        ["Resource", "Used", "Hard"],
        ["--------", "----", "----"],
        ["pods", "4", "9"],
        ["requests.cpu", "0", "2"],
    ]
    described = lab_of_two.ok("kubectl", "describe", "limits", "l", "-n", space)
    assert "Container   cpu       -    500m  100m             500m           -" in described
    described = lab_of_two.ok("kubectl", "describe", "namespace", space)
    assert "Resource Quotas" in described
    lab_of_two.ok("run", "given", "-n", space, "--image", "nginx")
    template = "{.spec.containers[0].resources.requests.cpu}"
    assert lab_of_two.ok("get", "pod", "given", "-n", space, "-o", f"jsonpath={template}") == "100m"
    refused = lab_of_two("kubectl", "run", "more", "-n", space, "--image", "x", "--dry-run=server")
    assert refused.code == 0, refused.err
    node = lab_of_two.ok("get", "pod", "given", "-n", space, "-o", "jsonpath={.spec.nodeName}")
    described = lab_of_two.ok("kubectl", "describe", "node", node)
    assert "Allocated resources:" in described
    (row,) = [row.split() for row in described.splitlines() if row.startswith("  cpu ")]
    assert (row[1], row[3]) == ("100m", "500m")
