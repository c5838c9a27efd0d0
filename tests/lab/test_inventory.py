"""`down` leaves a machine as `up` found it, whatever the lab did and whatever of it was killed."""

import json
from pathlib import Path

import pytest

from labctl.lab import cgroup
from tests.command import Labctl
from tests.images.layouts import busybox_image
from tests.lab.conftest import LAB
from tests.machine import Machine, machine

PODS = """
apiVersion: v1
kind: Pod
metadata: {name: stubborn}
spec:
  containers:
  - {name: c, image: x, command: [sh, -c, "trap '' TERM; setsid sleep 1000 & while :; do sleep 1; done"]}
---
apiVersion: v1
kind: Pod
metadata: {name: on-the-node}
spec:
  hostNetwork: true
  containers: [{name: c, image: nginx, ports: [{containerPort: 8080}]}]
---
apiVersion: v1
kind: Secret
metadata: {name: word}
stringData: {word: open}
---
apiVersion: v1
kind: Pod
metadata: {name: volumes}
spec:
  containers:
  - name: c
    image: x
    command: [sh, -c, "echo kept > /memory/file; sleep 1000"]
    ports: [{containerPort: 80, hostPort: 8081}]
    volumeMounts:
    - {name: memory, mountPath: /memory}
    - {name: disk, mountPath: /disk}
    - {name: secret, mountPath: /secret}
    - {name: claim, mountPath: /claim}
  volumes:
  - {name: memory, emptyDir: {medium: Memory}}
  - {name: disk, emptyDir: {}}
  - {name: secret, secret: {secretName: word}}
  - {name: claim, persistentVolumeClaim: {claimName: claim}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: claim}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: c, image: nginx, ports: [{containerPort: 80}]}]}
"""
_BY_CRUN = """
apiVersion: v1
kind: Pod
metadata: {name: NAME}
spec:
  runtimeClassName: CLASS
  containers: [{name: c, image: "busybox:test", command: [sleep, "1000"]}]
"""
_PLUGINS = """
apiVersion: labctl.io/v1alpha1
kind: Lab
spec:
  nodes: 2
  network:
    cni:
      binDir: /usr/lib/cni
      conflist:
        cniVersion: 1.0.0
        name: net
        plugins:
        - type: bridge
          bridge: cni0
          isGateway: true
          ipam:
            type: host-local
            ranges: [[{subnet: usePodCidr}]]
            routes: [{dst: 0.0.0.0/0}]
        - {type: portmap, capabilities: {portMappings: true}}
        - {type: firewall}
---
"""


def kill(own: Machine, name: str) -> None:
    """SIGKILLs one process of the lab, or without a name all that there are at once."""
    if not name:
        group = f"{cgroup.hierarchy()}/labctl.{LAB}"
        own.run("sh", "-c", f"[ ! -d {group} ] || echo 1 > {group}/cgroup.kill")
        return
    record = json.loads(own.run("cat", f"/run/labctl/{LAB}/processes.json"))
    (pid,) = (one["pid"] for one in record["processes"] if one["name"] == name)
    own.run("kill", "-KILL", str(pid))


@pytest.mark.parametrize("backend", ["host-gw", "vxlan"])
def test_a_lab_that_did_its_work_leaves_nothing(tidy: Labctl, backend: str) -> None:
    tidy.ok("up", "-", "--backend", backend, stdin=PODS)
    tidy.ok("wait", "--for=condition=Ready", "pod", "--all")
    tidy.ok("verify", "--protocol", "icmp")


def test_neither_does_one_on_etcd_with_plugins(tidy: Labctl) -> None:
    tidy.ok("up", "-", "--store", "etcd", stdin=_PLUGINS + PODS)
    tidy.ok("wait", "--for=condition=Ready", "pod", "--all")


def test_neither_does_one_with_images_and_another_runtime(tidy: Labctl, tmp_path: Path) -> None:
    tidy.ok("up", "--nodes", "1")
    tidy.ok("image", "load", str(busybox_image(tmp_path, "busybox:test")))
    for name, handler in (("own", '""'), ("crun", "crun")):
        manifest = _BY_CRUN.replace("NAME", name).replace("CLASS", handler)
        tidy.ok("create", "-f", "-", stdin=manifest.replace('  runtimeClassName: ""\n', ""))
    tidy.ok("wait", "--for=condition=Ready", "pod", "--all")
    tidy.ok("exec", "crun", "--", "sh", "-c", "sleep 1000 & exit 0")


@pytest.mark.parametrize(
    "name", ["", "supervisor", "control-plane", "runtime", "agent-node1"], ids=str
)
def test_neither_does_one_of_which_something_was_killed(
    tidy: Labctl, own: Machine, name: str
) -> None:
    tidy.ok("up", "-", "--nodes", "2", stdin=PODS)
    kill(own, name)


def test_neither_does_one_with_a_cable_that_is_cut(tidy: Labctl) -> None:
    tidy.ok("up", "-", "--nodes", "2", stdin=PODS)
    tidy.ok("fault", "cut", "node2")
    tidy("ping", "node/node1", "node/node2", "-c", "1", "-W", "0.2")


def test_neither_does_a_doctor(own: Machine) -> None:
    before = own.survey()
    own.labctl("").ok("doctor")
    own.until_as(before)


def test_namespaces_that_ip_netns_has_mounted_over_go_as_well() -> None:
    """The first `ip netns add` of a machine mounts /run/netns, pins and all, over itself."""
    with machine() as other:
        labctl = other.labctl(LAB)
        labctl.ok("up", "--nodes", "1")
        other.run("ip", "netns", "add", "mine")
        labctl.ok("down")
        assert other.run("ip", "netns", "list").split() == ["mine"]
        assert other.run("ls", "/run/netns").split() == ["mine"]
