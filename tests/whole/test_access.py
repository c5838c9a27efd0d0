"""Accounts in a real lab: a program in a pod by its token, a user by roles, and nobody refused at work."""

from collections.abc import Iterator

import pytest

from labctl import names
from tests.command import Labctl
from tests.conftest import MakeLab

_MOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
_WORK = """\
apiVersion: v1
kind: Pod
metadata: {name: robot}
spec:
  automountServiceAccountToken: true
  containers: [{name: main, image: none, command: [sleep, "1000"]}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 4
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: main, image: none}]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: robots-view}
roleRef: {kind: ClusterRole, name: view}
subjects: [{kind: ServiceAccount, name: default}]
"""


@pytest.fixture(scope="module")
def labctl(make_lab: MakeLab) -> Iterator[Labctl]:
    labctl = make_lab()
    labctl.ok("apply", "-f", "-", stdin=_WORK)
    labctl.ok("wait", "--for=condition=Available", "deployment/web", "--timeout=30s")
    labctl.ok("wait", "--for=condition=Ready", "pod/robot", "--timeout=30s")
    yield labctl
    labctl.ok("down")


def _ask(labctl: Labctl, path: str) -> str:
    """What the API server says to the program in the pod."""
    url = f"https://{names.CONTROL_PLANE_ADDRESS}:{names.API_PORT}{path}"
    script = (
        f"cd {_MOUNT} && curl -s --cacert ca.crt "
        f'-H "Authorization: Bearer $(cat token)" "{url}?namespace=$(cat namespace)"'
    )
    return labctl.ok("exec", "robot", "--", "sh", "-c", script)


def test_a_program_in_a_pod_uses_its_account(labctl: Labctl) -> None:
    assert '"kind":"PodList"' in _ask(labctl, "/api/v1/namespaces/default/pods")
    refused = _ask(labctl, "/api/v1/namespaces/default/secrets")
    assert 'User \\"system:serviceaccount:default:default\\" cannot list' in refused


def test_nobody_was_refused_at_its_daily_work(labctl: Labctl) -> None:
    """Agents, controllers and scheduler, while they made all of the above, and took it away."""
    for words in (
        ("rollout", "restart", "deployment/web"),
        ("rollout", "status", "deployment/web", "--timeout=30s"),
        ("scale", "deployment/web", "--replicas=1"),
        ("verify", "--claim", "pod-to-pod", "--protocol", "icmp"),
        ("delete", "deployment", "web"),
    ):
        labctl.ok(*words)
    for log in names.log_dir(labctl.lab).iterdir():
        assert "is forbidden" not in log.read_text(), log.name
