"""Pods that are hurt by hand, on a lab of two nodes: what the agent makes of it, and how soon."""

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from labctl import names
from labctl.api.kinds.core import PODS
from labctl.api.objects import Obj, is_condition_true, uid
from labctl.lab import connect
from tests.command import Labctl
from tests.conftest import MakeLab
from tests.waiting import until

PODS_FILE = """\
apiVersion: v1
kind: Pod
metadata: {name: hurt}
spec:
  nodeName: node1
  initContainers:
  - {name: sidecar, image: none, restartPolicy: Always, command: [sh, -c, "trap '' TERM; while :; do sleep 0.2; done"]}
  containers:
  - {name: web, image: none, ports: [{containerPort: 80}]}
  - {name: program, image: none, command: [sh, -c, "sleep 1000 & wait"]}
---
apiVersion: v1
kind: Pod
metadata: {name: friend}
spec:
  nodeName: node2
  containers: [{name: web, image: none, ports: [{containerPort: 80}]}]
"""
CONDITIONS = {
    "PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled",
}  # fmt: skip
KINDS = ("initContainerStatuses", "containerStatuses")


@pytest.fixture(scope="module")
def labctl(make_lab: MakeLab) -> Labctl:
    lab = make_lab("--nodes", "2")
    lab.ok("apply", "-f", "-", stdin=PODS_FILE)
    lab.ok("wait", "--for=condition=Ready", "pod/hurt", "pod/friend")
    return lab


def pod(labctl: Labctl) -> Obj:
    found: Obj = labctl("get", "pod", "hurt", "-o", "json").json
    return found


def restarts(obj: Obj) -> list[int]:
    return [one["restartCount"] for kind in KINDS for one in obj["status"][kind]]


def sandbox(labctl: Labctl) -> Obj:
    found = labctl("ps", "node1", "-o", "json").json["items"]
    (alive,) = [one for one in found if one["state"] == "ready"]
    return dict(alive)


async def _watched(labctl: Labctl, hurt: Callable[[], None], wanted: Callable[[Obj], bool]) -> Obj:
    client = connect.client(labctl.lab)
    try:
        begun = await client.list(PODS, "default", fields="metadata.name=hurt")
        hurt()
        async with asyncio.timeout(10):
            events = client.watch(
                PODS,
                "default",
                fields="metadata.name=hurt",
                resource_version=begun.resource_version,
            )
            async for event in events:
                if event.type == "MODIFIED" and wanted(event.object):
                    return event.object
        raise AssertionError("the watch ended")
    finally:
        await client.transport.close()


def answers(labctl: Labctl, address: str) -> bool:
    words = ("exec", "friend", "--", "curl", "-s", "-m", "1", f"http://{address}/")
    return labctl(*words).code == 0


def test_a_ready_pod_has_all_conditions(labctl: Labctl) -> None:
    conditions = pod(labctl)["status"]["conditions"]
    assert {one["type"] for one in conditions if one["status"] == "True"} == CONDITIONS


@pytest.mark.alone
@pytest.mark.parametrize("kind", ["pin", "port", "address"])
def test_what_somebody_removes_comes_back_and_the_pod_does_not_notice(
    labctl: Labctl, kind: str
) -> None:
    obj, before = pod(labctl), sandbox(labctl)
    pin = names.pod_netns(labctl.lab, "default", "hurt")
    node = str(names.netns_path(names.node_netns(labctl.lab, "node1")))
    veth = names.veth_name(uid(obj), before["attempt"])
    inside = f"--net=/proc/{before['pid']}/ns/net"
    command = {
        "pin": ["ip", "netns", "delete", pin],
        "port": ["nsenter", f"--net={node}", "ip", "link", "delete", veth],
        "address": ["nsenter", inside, "ip", "address", "flush", "dev", "eth0"],
    }[kind]
    subprocess.run(command, check=True)
    until(lambda: names.netns_path(pin).is_symlink(), 1)
    until(lambda: answers(labctl, before["ip"]), 3)
    assert sandbox(labctl) == before
    assert restarts(pod(labctl)) == restarts(obj)
    labctl.ok("verify", "--claim", "pod-to-pod", "--protocol", "icmp")


@pytest.mark.alone
def test_a_sandbox_that_died_is_replaced_within_a_second(labctl: Labctl) -> None:
    obj, before = pod(labctl), sandbox(labctl)
    assert answers(labctl, before["ip"])
    group = Path(f"/proc/{_program(before)}/cgroup").read_text()
    counted = [count + 1 for count in restarts(obj)]
    killed_at = 0.0

    def kill() -> None:
        nonlocal killed_at
        killed_at = time.monotonic()
        os.kill(before["pid"], signal.SIGKILL)

    def replaced(now: Obj) -> bool:
        return restarts(now) == counted and is_condition_true(now, "Ready")

    now = asyncio.run(_watched(labctl, kill, replaced))
    assert time.monotonic() - killed_at < 1
    labctl.ok("verify", "--protocol", "icmp")
    after = sandbox(labctl)
    assert after["ip"] == now["status"]["podIP"] != before["ip"]
    assert answers(labctl, after["ip"])
    assert not answers(labctl, before["ip"])
    # Nothing of the old one runs, not even what its programs had started or who ignores SIGTERM.
    old = [one for one in _cgroups() if one.strip() and one.strip() in group]
    assert old == []
    assert "SandboxChanged" in labctl.ok("get", "events")


def _program(sandbox: Obj) -> int:
    (found,) = [one for one in sandbox["containers"] if one["name"] == "program" and one["pid"]]
    return int(found["pid"])


def _cgroups() -> list[str]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                lines = (entry / "cgroup").read_text().splitlines()
            except OSError:
                continue
            found += [line for line in lines if "/pods/" in line]
    return found
