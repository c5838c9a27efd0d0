"""`down` leaves a machine as `up` found it, whatever happened in between, and touches no other."""

import json
from collections.abc import Iterator

import pytest

from labctl.lab import cgroup
from tests.command import PROGRAM, Labctl
from tests.machine import Machine, machine

_LAB = "mine"
_PODS = """
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


@pytest.fixture(scope="module")
def own() -> Iterator[Machine]:
    """A machine on which every test leaves nothing."""
    with machine() as one:
        yield one


@pytest.fixture
def labctl(own: Machine) -> Iterator[Labctl]:
    """The command line there; at the end there is what there was before."""
    before = own.survey()
    one = own.labctl(_LAB)
    yield one
    one.ok("down")
    own.until_as(before)


def kill(own: Machine, name: str) -> None:
    """SIGKILLs one process of the lab, or without a name all of them at once."""
    if not name:
        own.run("sh", "-c", f"echo 1 > {cgroup.hierarchy()}/labctl.{_LAB}/cgroup.kill")
        return
    record = json.loads(own.run("cat", f"/run/labctl/{_LAB}/processes.json"))
    (pid,) = (one["pid"] for one in record["processes"] if one["name"] == name)
    own.run("kill", "-KILL", str(pid))


@pytest.mark.parametrize("backend", ["host-gw", "vxlan"])
def test_a_lab_that_did_its_work_leaves_nothing(labctl: Labctl, backend: str) -> None:
    labctl.ok("up", "-", "--backend", backend, stdin=_PODS)
    labctl.ok("wait", "--for=condition=Ready", "pod", "--all")
    labctl.ok("verify", "--protocol", "icmp")
    labctl.ok("down")


@pytest.mark.parametrize("name", ["", "supervisor", "runtime", "agent-node1"])
def test_neither_does_one_of_which_something_was_killed(
    labctl: Labctl, own: Machine, name: str
) -> None:
    labctl.ok("up", "-", "--nodes", "2", stdin=_PODS)
    kill(own, name)
    labctl.ok("down")


def test_neither_does_an_up_that_fails_at_its_last_step(labctl: Labctl) -> None:
    lost = _PODS.replace("metadata: {name: web}", "metadata: {name: web, namespace: nowhere}")
    assert labctl("up", "-", "--nodes", "1", stdin=lost).code == 1


@pytest.mark.parametrize("seconds", ["0.15", "0.3", "0.45", "0.7", "1.0"])
def test_neither_does_an_up_that_is_killed(labctl: Labctl, own: Machine, seconds: str) -> None:
    own.run("timeout", "-s", "KILL", seconds, str(PROGRAM), "up", "--lab", _LAB, check=False)
    labctl.ok("down")


@pytest.mark.parametrize("seconds", ["0.2", "0.3", "0.4"])
def test_neither_does_a_down_that_is_killed(labctl: Labctl, own: Machine, seconds: str) -> None:
    labctl.ok("up", "-", "--nodes", "2", stdin=_PODS)
    own.run("timeout", "-s", "KILL", seconds, str(PROGRAM), "down", "--lab", _LAB, check=False)
    labctl.ok("down")


def test_neither_does_one_with_a_cable_that_is_cut(labctl: Labctl) -> None:
    labctl.ok("up", "-", "--nodes", "2", stdin=_PODS)
    labctl.ok("fault", "cut", "node2")
    labctl("ping", "node/node1", "node/node2", "-c", "1", "-W", "0.2")
    labctl.ok("down")


_LOOK_ALIKES = rf"""
ip netns add labctlx
ip link add veth1234abcd type veth peer name cni0
nft add table ip labctl
mkdir -p {cgroup.hierarchy()}/labctl.slice /run/labctlx /var/lib/labctlx /run/labctl/old
(exec -a 'labctl: mine supervisor' sleep 1000) > /dev/null 2>&1 < /dev/null &
record='{{"processes": [{{"name": "runtime", "pid": '$!', "start_time": 1}}], "stopped": []}}'
echo "$record" > /run/labctl/old/processes.json
"""


def test_down_all_takes_every_lab_and_nothing_that_only_looks_like_one() -> None:
    with machine() as other:
        other.run("bash", "-c", _LOOK_ALIKES)
        before = other.survey()
        for lab in ("mine", "wreck"):
            other.labctl(lab).ok("up", "--nodes", "1")
        other.run("sh", "-c", f"echo 1 > {cgroup.hierarchy()}/labctl.wreck/cgroup.kill")
        other.run("timeout", "-s", "KILL", "0.5", str(PROGRAM), "up", "--lab", "half", check=False)
        other.labctl("").ok("down", "--all")
        left_over = {"files /run/labctl", "files /run/labctl/old"}
        record = {"files /run/labctl/old/processes.json"}
        other.until_as(before - left_over - record)


def test_namespaces_that_ip_netns_has_mounted_over_go_as_well() -> None:
    """The first `ip netns add` of a machine mounts /run/netns, pins and all, over itself."""
    with machine() as other:
        labctl = other.labctl(_LAB)
        labctl.ok("up", "--nodes", "1")
        other.run("ip", "netns", "add", "mine")
        labctl.ok("down")
        assert other.run("ip", "netns", "list").split() == ["mine"]
        assert other.run("ls", "/run/netns").split() == ["mine"]
