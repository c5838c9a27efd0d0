"""Promise: after a reboot, `labctl up` brings the same lab back, same objects, pods running again."""

import json
from typing import Any

from labctl.lab import cgroup
from tests.command import Labctl
from tests.machine import Machine, machine

_OBJECTS = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: stand-in, image: nginx, ports: [{containerPort: 80}]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: program}
spec: {containers: [{name: main, image: none, command: [sleep, "1000"]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: done}
spec:
  restartPolicy: Never
  containers: [{name: main, image: none, command: ["true"]}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: mine}
data: {acknowledged: "yes"}
---
apiVersion: v1
kind: Secret
metadata: {name: mine}
stringData: {password: secret}
"""
_KINDS = ("deployments", "replicasets", "pods", "configmaps", "secrets", "nodes", "namespaces")

# What a machine that boots has lost: processes, namespaces, cgroups, and all of /run.
_POWER_CYCLE = r"""
group=$2/labctl.$1
echo 1 > $group/cgroup.kill
while grep -q "populated 1" $group/cgroup.events; do :; done
find /sys/fs/cgroup -depth -type d -path "*/labctl.$1*" -exec rmdir {} \;
awk '$5 ~ "^/(run|var/lib)/." {print $5}' /proc/self/mountinfo | sort -r | xargs -r -n 1 umount --lazy || :
find /run /dev/shm -mindepth 1 -maxdepth 1 ! -path /run/mount -exec rm -rf {} +
"""


def identities(labctl: Labctl) -> dict[str, tuple[str, Any]]:
    """Uid and what was asked for, of every object that somebody made."""
    found = {}
    for kind in _KINDS:
        for one in labctl("get", kind, "-A", "-o", "json").json["items"]:
            metadata = one["metadata"]
            key = f"{kind} {metadata.get('namespace', '')}/{metadata['name']}"
            asked = {part: one[part] for part in ("spec", "data") if part in one}
            found[key] = metadata["uid"], asked
    return found


def containers(labctl: Labctl) -> dict[str, int]:
    """How often the one of each pod was started again."""
    pods = labctl("get", "pods", "-o", "json").json["items"]
    return {
        one["metadata"]["name"]: one["status"]["containerStatuses"][0]["restartCount"]
        for one in pods
    }


def power_cycle(one: Machine, lab: str) -> None:
    one.run("sh", "-ec", _POWER_CYCLE, "sh", lab, str(cgroup.hierarchy()))
    assert "labctl" not in one.run("find", "/run")
    assert f"labctl.{lab}" not in one.run("find", str(cgroup.hierarchy()), "-name", "labctl.*")


def test_a_lab_is_the_same_after_a_reboot_and_goes_without_a_trace() -> None:
    with machine() as one:
        before, labctl = one.survey(), one.labctl("boot")
        labctl.ok("up", "--nodes", "2", "--backend", "vxlan")
        labctl.ok("apply", "-f", "-", stdin=_OBJECTS)
        labctl.ok("rollout", "status", "deployment/web")
        labctl.ok("wait", "--for=condition=Ready", "pod/program")
        labctl.ok("wait", "--for=jsonpath=.status.phase=Succeeded", "pod/done")
        for restarts in (1, 2):
            known, revision = identities(labctl), newest(labctl)
            power_cycle(one, "boot")
            assert "Down" in labctl.ok("list")
            assert labctl("get", "pods").code == 3
            labctl.ok("up")
            assert newest(labctl) >= revision
            labctl.ok("wait", "--for=condition=Ready", "pod", "-l", "app=web")
            labctl.ok("wait", "--for=condition=Ready", "pod/program")
            assert identities(labctl) == known
            counts = containers(labctl)
            assert counts.pop("done") == 0
            assert set(counts.values()) == {restarts}
            assert len(counts) == 4
        labctl.ok("verify")
        labctl.ok("down")
        one.until_as(before)


def newest(labctl: Labctl) -> int:
    listed = json.loads(labctl.ok("kubectl", "get", "--raw", "/api/v1/pods"))
    return int(listed["metadata"]["resourceVersion"])
