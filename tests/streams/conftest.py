"""Pods to talk to, in the session's lab, and every kubectl at hand to do it with."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.command import Labctl
from tests.streams.kubectls import PROGRAMS, Kubectl

MANIFEST = """\
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: SPACE, labels: {app: web}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - {name: web, image: nginx, ports: [{containerPort: 80, name: http}, {containerPort: 53, protocol: UDP, name: dns}]}
---
apiVersion: v1
kind: Pod
metadata: {name: talk, namespace: SPACE}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: talk
    image: busybox
    stdin: true
    command: [sh, -c, 'while read a; do echo "got $a"; echo "err $a" >&2; done']
  - {name: quiet, image: busybox, command: [sleep, infinity]}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: SPACE}
spec: {selector: {app: web}, ports: [{port: 8080, targetPort: http}]}
"""


@pytest.fixture(scope="module")
def space(labctl: Labctl) -> Iterator[str]:
    """A namespace with the pods `web`, a stand-in, and `talk`, a program with stdin."""
    name = f"streams-{os.getpid()}"
    labctl.ok("create", "namespace", name)
    labctl.ok("apply", "-f", "-", stdin=MANIFEST.replace("SPACE", name))
    labctl.ok("wait", "--for=condition=Ready", "pod/web", "pod/talk", "-n", name)
    yield name
    labctl.ok("delete", "namespace", name)


@pytest.fixture(scope="session")
def kubeconfig(labctl: Labctl, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("streams") / "config"
    labctl.ok("kubeconfig", "--write", str(path))
    return path


@pytest.fixture(params=list(PROGRAMS))
def kubectl(request: pytest.FixtureRequest, kubeconfig: Path) -> Kubectl:
    return Kubectl(PROGRAMS[request.param], kubeconfig)
