"""Whole applications, unchanged: applied, available, answering on their ports; applied again, unchanged."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from labctl import names
from tests.command import Labctl
from tests.kubectl.conftest import Kubectl
from tests.kubectl.stories import HERE

# Others' manifests are beside the checkout, where there are any: they are not ours to pass on.
_OTHERS = sorted((HERE.parents[2] / "shared/manifests").glob("*.yaml"))
_OWN = [
    HERE / f"manifests/{name}.yaml" for name in ("web", "settings", "together", "shop", "market")
]
_APPLICATIONS = {path.stem: path for path in (*_OWN, *_OTHERS)}
# Asks each address for a page; a stand-in answers on whatever port its container declares.
_ASK = """
import socket, sys
for one in sys.argv[1:]:
    host, port = one.split(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n")
        assert connection.recv(5) == b"HTTP/", one
print("answered", len(sys.argv) - 1)
"""


@pytest.mark.parametrize("name", _APPLICATIONS)
def test_an_application_works_unchanged(kubectl: Kubectl, labctl: Labctl, name: str) -> None:
    path = str(_APPLICATIONS[name])
    applied = kubectl("apply", "-f", path).splitlines()
    assert applied
    assert all(line.endswith(" created") for line in applied)
    kubectl("wait", "--for=condition=Available", "deployment", "--all", "--timeout=60s")
    addresses = list(_addresses(_pods(kubectl)))
    assert addresses
    assert _asked(_netns(labctl, _pods(kubectl)[0]), addresses)
    again = kubectl("apply", "-f", path).splitlines()
    assert [line for line in again if not line.endswith(" unchanged")] == []
    assert len(again) == len(applied)


def test_settings_reach_the_program(kubectl: Kubectl, labctl: Labctl) -> None:
    kubectl("apply", "-f", str(_APPLICATIONS["settings"]))
    kubectl("wait", "--for=condition=Available", "deployment/game", "--timeout=60s")
    (pod,) = _pods(kubectl)
    name = f"{pod['metadata']['name']}.{kubectl.namespace}"
    wanted = {"LIVES": "3", "LOGIN_PASSWORD": "open-sesame", "GREETING": "3 lives",
              "L_user": "player", "POD_NAME": pod["metadata"]["name"]}  # fmt: skip
    printed = labctl.ok("exec", name, "--", "env")
    assert wanted.items() <= dict(line.split("=", 1) for line in printed.splitlines()).items()
    text = labctl.ok("exec", name, "--", "cat", "/etc/game/ui/properties")
    assert text == "text.size=12\ntext.wrap=yes\n"


def test_containers_share_a_directory(kubectl: Kubectl, labctl: Labctl) -> None:
    kubectl("apply", "-f", str(_APPLICATIONS["together"]))
    kubectl("wait", "--for=condition=Available", "deployment/together", "--timeout=60s")
    (pod,) = _pods(kubectl)
    name = f"{pod['metadata']['name']}.{kubectl.namespace}"
    text = labctl.ok("exec", name, "-c", "web", "--", "cat", "/usr/share/page/page")
    assert text == "prepared\nhelped\n"


def _pods(kubectl: Kubectl) -> list[Any]:
    items: list[Any] = json.loads(kubectl("get", "pods", "-o", "json"))["items"]
    return items


def _addresses(pods: list[Any]) -> Iterator[str]:
    for pod in pods:
        for container in pod["spec"]["containers"]:
            for port in container.get("ports", ()):
                yield f"{pod['status']['podIP']}:{port['containerPort']}"


def _netns(labctl: Labctl, pod: Any) -> str:
    metadata = pod["metadata"]
    return names.pod_netns(labctl.lab, metadata["namespace"], metadata["name"])


def _asked(netns: str, addresses: list[str]) -> bool:
    """Whether each address answers whoever asks from that namespace."""
    command = ("ip", "netns", "exec", netns, sys.executable, "-c", _ASK, *addresses)
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout == f"answered {len(addresses)}\n"
