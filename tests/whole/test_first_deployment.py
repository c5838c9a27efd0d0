"""From the documentation's Deployment to packets: what a newcomer does first, on both backends."""

import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from labctl.api.objects import Obj
from tests.command import Labctl
from tests.conftest import MakeLab

# https://kubernetes.io/docs/concepts/workloads/controllers/deployment/, as is
NGINX = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: nginx-deployment
  labels:
    app: nginx
spec:
  replicas: 3
  selector:
    matchLabels:
      app: nginx
  template:
    metadata:
      labels:
        app: nginx
    spec:
      containers:
      - name: nginx
        image: nginx:1.14.2
        ports:
        - containerPort: 80
"""


@pytest.fixture(scope="module", params=["host-gw", "vxlan"])
def labctl(request: pytest.FixtureRequest, make_lab: MakeLab) -> Iterator[Labctl]:
    labctl = make_lab("--backend", request.param)
    labctl.ok("apply", "-f", "-", stdin=NGINX)
    labctl.ok("wait", "--for=condition=Available", "deployment/nginx-deployment", "--timeout=30s")
    yield labctl
    labctl.ok("down")


def _pods(labctl: Labctl) -> list[Obj]:
    items: list[Any] = labctl("get", "pods", "-l", "app=nginx", "-o", "json").json["items"]
    return items


def _two_on_different_nodes(labctl: Labctl) -> tuple[Obj, Obj]:
    first, *others = _pods(labctl)
    node = first["spec"]["nodeName"]
    return first, next(pod for pod in others if pod["spec"]["nodeName"] != node)


def test_the_documentations_deployment_is_ready_on_at_least_two_nodes(labctl: Labctl) -> None:
    pods = _pods(labctl)
    assert [pod["status"]["containerStatuses"][0]["ready"] for pod in pods] == [True] * 3
    assert len({pod["spec"]["nodeName"] for pod in pods}) >= 2


def test_exec_pings_a_pod_of_another_node(labctl: Labctl) -> None:
    source, destination = _two_on_different_nodes(labctl)
    at = destination["status"]["podIP"]
    printed = labctl.ok("exec", source["metadata"]["name"], "--", "ping", "-c", "3", at)
    assert "3 packets transmitted, 3 received, 0% packet loss" in printed


def test_ip_netns_exec_pings_a_pod_of_another_node(labctl: Labctl) -> None:
    source, destination = _two_on_different_nodes(labctl)
    netns = f"labctl.{labctl.lab}.pod.default.{source['metadata']['name']}"
    ping = ["ip", "netns", "exec", netns, "ping", "-c", "1", destination["status"]["podIP"]]
    assert "1 received" in subprocess.run(ping, check=True, capture_output=True, text=True).stdout


def test_the_whole_network_is_proved(labctl: Labctl) -> None:
    report = labctl("verify", "-o", "json").json
    assert report["passed"], [check for check in report["checks"] if not check["passed"]]
    counts = {claim["claim"]: claim["checked"] for claim in report["claims"]}
    three_protocols, pods, nodes = 3, 3, 3
    assert counts == {
        "pod-to-pod": three_protocols * pods * (pods - 1),
        "pod-to-node": three_protocols * pods * nodes,
        "node-to-pod": three_protocols * nodes * pods,
        "egress": three_protocols * pods,
        "mtu": three_protocols * pods * (pods - 1 + nodes + 1),
    }
