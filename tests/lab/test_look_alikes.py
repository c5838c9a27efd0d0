"""`down --all` takes every lab, in whatever state, and nothing that only looks like one."""

from collections.abc import Iterator

import pytest

from labctl.lab import cgroup
from tests.command import PROGRAM
from tests.machine import Machine, machine

_LAB = "mine"
_BEFORE = rf"""
ip netns add labctlx
ip netns add labctl.foo
ip netns add labctl.foo.fabric
ip netns add labctl.foo.node.node1
ip netns add labctl.bar.outside
ln -s /proc/1/ns/net /run/netns/labctl.foo.pod.default.web
ip link add veth1234abcd type veth peer name cni0
ip link add vxlan.1 type dummy
nft add table ip labctl
nft add table ip labctl-hostports
mkdir -p {cgroup.hierarchy()}/labctl.slice {cgroup.hierarchy()}/labctl.foo/processes
mkdir -p /run/labctlx /var/lib/labctlx /run/labctl/old /run/labctl/disk /var/lib/labctl/disk
mount -t tmpfs none /run/labctl/disk
mount -t tmpfs none /var/lib/labctl/disk
touch /run/labctl/disk/file /var/lib/labctl/disk/file /run/labctl.lock
(exec -a 'labctl: x agent' sleep 1000) > /dev/null 2>&1 < /dev/null &
(exec -a 'labctl: mine supervisor' sleep 1000) > /dev/null 2>&1 < /dev/null &
(exec -a catatonit ip netns exec labctl.foo sleep 1000) > /dev/null 2>&1 < /dev/null &
echo $! > {cgroup.hierarchy()}/labctl.foo/processes/cgroup.procs
record='{{"processes": [{{"name": "runtime", "pid": '$!', "start_time": 1}}], "stopped": []}}'
echo "$record" > /run/labctl/old/processes.json
"""
# Beside what the lab has: the same names and the same places.
_BESIDE = rf"""
ip netns add labctl.{_LAB}.mine-too
ip netns add labctl.{_LAB}.pod.default.mine-too
(exec -a 'labctl: {_LAB} agent node1' sleep 1000) > /dev/null 2>&1 < /dev/null &
mkdir /var/lib/labctl/{_LAB}/mine /run/labctl/{_LAB}/mine
mount -t tmpfs none /var/lib/labctl/{_LAB}/mine
mount --bind /var/lib/labctlx /run/labctl/{_LAB}/mine
touch /var/lib/labctl/{_LAB}/mine/file /var/lib/labctlx/precious
"""


@pytest.fixture
def other() -> Iterator[Machine]:
    """A machine of one test, with labs and what looks like them."""
    with machine() as one:
        one.run("bash", "-c", _BEFORE)
        yield one


def test_down_all_takes_every_lab_and_nothing_that_only_looks_like_one(other: Machine) -> None:
    before, there = other.survey(), other.namespaces()
    for lab in (_LAB, "wreck", "files", "pins"):
        other.labctl(lab).ok("up", "--nodes", "1")
    for lab in ("wreck", "files", "pins"):
        other.run("sh", "-c", f"echo 1 > {cgroup.hierarchy()}/labctl.{lab}/cgroup.kill")
    # Of one only its files are left, of another only its cgroup and namespaces, of a third half.
    other.run("rm", "-r", "/run/labctl/pins", "/var/lib/labctl/pins")
    other.run("timeout", "-s", "KILL", "0.5", str(PROGRAM), "up", "--lab", "half", check=False)
    made = other.namespaces() - there
    other.labctl("").ok("down", "--all")
    record = {"files /run/labctl/old", "files /run/labctl/old/processes.json"}
    other.until_as(before - record, made)
    assert other.labctl("").ok("list") == ""


def test_nothing_is_taken_that_others_made_under_a_labs_own_names(other: Machine) -> None:
    labctl = other.labctl(_LAB)
    labctl.ok("up", "--nodes", "1")
    other.run("bash", "-c", _BESIDE)
    pins = set(other.run("ip", "netns", "list").replace("(", "\n(").split("\n"))
    assert f"labctl.{_LAB}.mine-too" in {pin.strip() for pin in pins}
    result = labctl("down")
    assert result.code == 1
    places = [f"/run/labctl/{_LAB}/mine", f"/var/lib/labctl/{_LAB}/mine"]
    words = "; ".join(f"something else is mounted on {place}" for place in places)
    assert f"error: lab {_LAB} is gone, but {words}\n" in result.err
    assert f"hint: umount {' && umount '.join(places)}\n" in result.err
    left = other.run("ls", "/run/netns").split()
    assert [pin for pin in left if _LAB in pin] == [
        f"labctl.{_LAB}.mine-too",
        f"labctl.{_LAB}.pod.default.mine-too",
    ]
    assert other.run("ls", *places) == "\n".join(
        (f"{places[0]}:", "precious", "", f"{places[1]}:", "file", "")
    )
    assert f"labctl: {_LAB} agent node1" in other.run("sh", "-c", "cat /proc/[0-9]*/cmdline")
    other.run("umount", *places)
    labctl.ok("down")
    assert not other.run(
        "sh", "-c", f"ls -d /run/labctl/{_LAB} /var/lib/labctl/{_LAB}", check=False
    )


@pytest.mark.parametrize("lab", ["foo", "bar"])
def test_a_lab_does_not_move_into_what_others_made(other: Machine, lab: str) -> None:
    before = other.survey()
    result = other.labctl(lab)("up", "--nodes", "1")
    assert result.code == 4
    assert f"/labctl.{lab}" in result.err
    assert "is there already and is not labctl's" in result.err
    other.until_as(before)
