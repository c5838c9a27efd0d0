"""Faults on a real lab: they hurt, outlive crashes and healing, are listed, and end."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from labctl import names
from labctl.lab import processes
from tests.command import Labctl
from tests.conftest import MakeLab
from tests.labs import POD_ON_EVERY_NODE
from tests.machine import machine
from tests.waiting import until

_PODS = f"""
{POD_ON_EVERY_NODE}---
apiVersion: v1
kind: Pod
metadata: {{name: on-host}}
spec:
  hostNetwork: true
  nodeName: node1
  containers: [{{name: sleep, image: x, command: [sleep, "1000"]}}]
"""


READY = ("wait", "--for=jsonpath=.status.numberReady=2", "daemonset/web")


@pytest.fixture(scope="module")
def lab_of_two(make_lab: MakeLab) -> Labctl:
    """A lab of two nodes with a pod on each."""
    one = make_lab("--nodes", "2")
    one.ok("apply", "-f", "-", stdin=_PODS)
    one.ok(*READY)
    one.ok("wait", "--for=condition=Ready", "pod/on-host")
    return one


@pytest.fixture
def labctl(lab_of_two: Labctl) -> Iterator[Labctl]:
    """The same, healthy again after each test."""
    yield lab_of_two
    lab_of_two.ok("fault", "clear")
    lab_of_two.ok("up")
    lab_of_two.ok(*READY)
    assert listed(lab_of_two) == []


def listed(labctl: Labctl) -> list[tuple[str, ...]]:
    return [tuple(one.values()) for one in labctl("fault", "list", "-o", "json").json["items"]]


def pod_on(labctl: Labctl, node: str) -> str:
    where = ("-l", "app=web", "--field-selector", f"spec.nodeName={node}")
    return labctl.ok("kubectl", "get", "pod", *where, "-o", "jsonpath={.items[0].metadata.name}")


def process(labctl: Labctl, name: str) -> processes.Process:
    recorded = processes.read_record(labctl.lab).processes
    return next(one for one in recorded if one.name == name)


def sandboxes(labctl: Labctl, node: str) -> list[Any]:
    found = labctl("ps", node, "-o", "json").json["items"]
    return [one for one in found if one["state"] == "ready"]


def restarts(labctl: Labctl, pod: str) -> list[int]:
    counts = labctl.ok("get", "pod", pod, "-o", "jsonpath={..restartCount}").split()
    return list(map(int, counts))


def lost(labctl: Labctl, source: str, destination: str, count: int = 200) -> int:
    words = ("ping", source, destination, "-c", str(count), "-i", "0.001", "-W", "0.5")
    report = labctl(*words, "-o", "json").json
    return int(report["transmitted"] - report["received"])


def kernel(netns: str, *words: str) -> str:
    at = names.netns_path(netns)
    command = ["nsenter", f"--net={at}", *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def tables(netns: str) -> list[str]:
    found = kernel(netns, "nft", "list", "tables").splitlines()
    return [line for line in found if "fault" in line]


def shapers(netns: str) -> list[str]:
    found = json.loads(kernel(netns, "tc", "-j", "qdisc", "show"))
    return [one["dev"] for one in found if one["kind"] == "tbf"]


def test_a_cable_of_a_node_loses_packets_whatever_dies_and_heals_meanwhile(
    labctl: Labctl,
) -> None:
    labctl.ok("fault", "loss", "node2", "10%")
    labctl.ok("fault", "rate", "node/node2", "50mbit")
    fabric, node = names.fabric_netns(labctl.lab), names.node_netns(labctl.lab, "node2")
    assert (tables(fabric), shapers(fabric)) == (
        ["table netdev labctl-fault-p-node2"],
        ["p-node2"],
    )
    for name in ("supervisor", "agent-node2", "runtime", "control-plane"):
        os.kill(process(labctl, name).pid, signal.SIGKILL)
    labctl.ok("up")
    kernel(node, "ip", "link", "delete", "cni0")
    until(lambda: labctl("plan", "node2", "-o", "jsonpath={.operations}").out == "[]", seconds=20)
    assert listed(labctl) == [("loss", "node2", "10%"), ("rate", "node2", "50mbit")]
    assert (tables(fabric), shapers(node)) == (
        ["table netdev labctl-fault-p-node2"],
        ["eth0"],
    )
    assert 8 < lost(labctl, "node/node1", "node/node2") < 90  # about 38
    assert lost(labctl, "node/node1", "outside") == 0

    labctl.ok("fault", "loss", "node2", "none")
    assert lost(labctl, "node/node1", "node/node2") == 0
    assert listed(labctl) == [("rate", "node2", "50mbit")]
    labctl.ok("fault", "clear")
    assert shapers(fabric) + shapers(node) + tables(fabric) == []


def test_a_cable_of_a_pod_is_bad_until_its_sandbox_is_another(labctl: Labctl) -> None:
    pod, node = pod_on(labctl, "node1"), names.node_netns(labctl.lab, "node1")
    labctl.ok("fault", "loss", pod, "100%")
    labctl.ok("fault", "rate", f"{pod}.default", "10mbit")
    assert listed(labctl) == [("loss", pod, "100%"), ("rate", pod, "10mbit")]
    assert lost(labctl, pod, "outside", 5) == 5
    assert lost(labctl, "node/node1", "outside", 5) == 0
    assert len(tables(node)) == len(shapers(node)) == 1
    assert labctl.ok("plan", "node1") == ""

    (old,) = (one for one in sandboxes(labctl, "node1") if one["pod"] == pod)
    os.kill(old["pid"], signal.SIGKILL)
    until(lambda: listed(labctl) == [])
    labctl.ok("wait", "--for=condition=Ready", f"pod/{pod}")
    until(lambda: [one["pod"] for one in sandboxes(labctl, "node1")].count(pod) == 1)
    assert lost(labctl, pod, "outside", 5) == 0
    labctl.ok("fault", "clear")
    assert tables(node) == []


def test_a_nodes_bad_cable_that_was_made_anew_is_bad_again(labctl: Labctl) -> None:
    fabric, node = names.fabric_netns(labctl.lab), names.node_netns(labctl.lab, "node1")
    labctl.ok("fault", "rate", "node1", "10mbit")
    labctl.ok("fault", "loss", "node1", "100%")
    kernel(fabric, "ip", "link", "delete", "p-node1")
    until(lambda: (shapers(fabric), shapers(node)) == (["p-node1"], ["eth0"]))
    until(lambda: lost(labctl, "node/node1", "node/node2", 5) == 5)
    assert listed(labctl) == [("loss", "node1", "100%"), ("rate", "node1", "10mbit")]
    labctl.ok("fault", "loss", "node1", "none")
    assert lost(labctl, "node/node1", "node/node2") == 0
    labctl.ok("fault", "clear")
    assert shapers(fabric) + shapers(node) + tables(fabric) == []


def test_a_pods_bad_cable_that_was_made_anew_is_bad_again(labctl: Labctl) -> None:
    pod, node = pod_on(labctl, "node1"), names.node_netns(labctl.lab, "node1")
    labctl.ok("fault", "rate", pod, "10mbit")
    labctl.ok("fault", "loss", pod, "100%")
    (port,) = shapers(node)
    kernel(names.pod_netns(labctl.lab, "default", pod), "ip", "link", "delete", "eth0")
    until(lambda: shapers(node) == [port])
    until(lambda: lost(labctl, pod, "outside", 5) == 5)
    labctl.ok("fault", "clear")
    assert shapers(node) + tables(node) == []
    assert lost(labctl, pod, "outside", 5) == 0


def test_without_a_value_it_is_shown_how_bad_a_cable_is(labctl: Labctl) -> None:
    assert labctl.ok("fault", "loss", "node1") == "none\n"
    labctl.ok("fault", "loss", "node1", "0.5")
    assert labctl.ok("fault", "loss", "node1") == "0.5%\n"
    assert labctl.ok("fault", "rate", "node1") == "none\n"
    labctl.ok("fault", "loss", "node1", "0%")
    assert labctl.ok("fault", "loss", "node1") == "none\n"


def test_a_delay_needs_netem_and_is_refused_with_its_module_where_it_is_missing(
    labctl: Labctl,
) -> None:
    done = labctl("fault", "delay", "node2", "50ms")
    if done.code == 0:
        rtt = labctl("ping", "node/node1", "node/node2", "-o", "json").json["milliseconds"]["min"]
        assert 100 <= rtt < 150
        return
    assert done.code == 4
    assert "error: this kernel has no netem, which delay needs: the module sch_netem" in done.err
    assert "hint: sudo modprobe sch_netem" in done.err
    assert listed(labctl) == []


def test_a_node_that_is_switched_off_is_dead_and_one_that_boots_runs_its_pods_again(
    labctl: Labctl,
) -> None:
    agent, pids = process(labctl, "agent-node1"), programs(labctl, "node1")
    (before,) = (one for one in sandboxes(labctl, "node1") if one["pod"] != "on-host")
    counts = restarts(labctl, before["pod"])
    node = names.node_netns(labctl.lab, "node1")
    kernel(node, "ip", "route", "add", "192.0.2.0/24", "dev", "eth0")
    labctl.ok("fault", "node-down", "node1")
    assert not processes.is_alive(agent)
    assert sandboxes(labctl, "node1") == []
    assert not [pid for pid in pids if processes.start_time(pid) is not None]
    assert lost(labctl, "node/node2", "node/node1", 2) == 2
    assert listed(labctl) == [("node-down", "node1")]
    for words in (("mend", "node1"), ("start-agent", "node1")):
        refused = labctl("fault", *words)
        assert (refused.code, refused.err.splitlines()) == (
            1,
            ["error: node1 is down", f"hint: labctl --lab {labctl.lab} fault node-up node1"],
        )
    refused = labctl("up")
    assert refused.code == 1
    assert "error: node1 was switched off by a fault, so it cannot be Ready" in refused.err

    labctl.ok("fault", "node-up", "node1")
    labctl.ok("up")
    assert "192.0.2.0" not in kernel(node, "ip", "route")
    until(lambda: len(sandboxes(labctl, "node1")) == 2)
    (after,) = (one for one in sandboxes(labctl, "node1") if one["pod"] != "on-host")
    assert after["pod"] == before["pod"]
    assert after["ip"] != before["ip"]
    labctl.ok("wait", "--for=condition=Ready", "pod", "--all")
    assert restarts(labctl, after["pod"]) == [count + 1 for count in counts]
    labctl.ok("verify", "--protocol", "icmp")


def programs(labctl: Labctl, node: str) -> list[int]:
    found = sandboxes(labctl, node)
    pids = [each["pid"] for one in found for each in one["containers"] if each["pid"]]
    assert pids
    return [*pids, *(one["pid"] for one in found)]


def test_a_cable_that_was_cut_too_stays_out_when_the_node_boots(labctl: Labctl) -> None:
    labctl.ok("fault", "cut", "node2")
    labctl.ok("fault", "node-down", "node2")
    assert listed(labctl) == [("cut", "node2"), ("node-down", "node2")]
    labctl.ok("fault", "node-up", "node2")
    assert listed(labctl) == [("cut", "node2")]
    assert lost(labctl, "node/node1", "node/node2", 2) == 2
    labctl.ok("fault", "mend", "node2")
    assert lost(labctl, "node/node1", "node/node2", 2) == 0


def test_the_control_planes_cable_is_cut_and_mended(labctl: Labctl) -> None:
    labctl.ok("fault", "cut", "control-plane")
    assert listed(labctl) == [("cut", "control-plane")]
    refused = labctl("up")
    assert refused.code == 1
    assert "the cable of the control-plane was cut by a fault, so no node can be" in refused.err
    assert labctl("get", "nodes").code == 0  # by the socket on this machine
    labctl.ok("fault", "mend", "control-plane")
    labctl.ok("up")


@pytest.mark.parametrize("name", ["control-plane", "runtime"])
def test_a_process_that_is_killed_is_started_again(labctl: Labctl, name: str) -> None:
    before = process(labctl, name)
    labctl.ok("fault", f"kill-{name}")
    assert not processes.is_alive(before)
    until(lambda: processes.is_alive(process(labctl, name)), seconds=2)
    assert process(labctl, name).restarts == before.restarts + 1
    assert listed(labctl) == []


def test_all_is_cleared_in_an_order_that_works(labctl: Labctl) -> None:
    pod = pod_on(labctl, "node1")
    for words in (
        ("loss", pod, "100%"),
        ("loss", "node1", "100%"),
        ("rate", "node1", "1kbit"),
        ("cut", "node1"),
        ("kill-agent", "node1"),
        ("cut", "node2"),
        ("node-down", "node2"),
    ):
        labctl.ok("fault", *words)
    assert len(listed(labctl)) == 7
    cleared = labctl("fault", "clear")
    assert (cleared.code, len(cleared.err.splitlines())) == (0, 7)
    assert listed(labctl) == []
    labctl.ok("up")
    labctl.ok(*READY)
    labctl.ok("verify", "--protocol", "icmp")


def test_a_lab_with_every_fault_in_force_leaves_nothing_behind() -> None:
    with machine() as one:
        before, labctl = one.survey(), one.labctl("hurt")
        labctl.ok("up", "--nodes", "3")
        labctl.ok("run", "web", "--image", "nginx")
        labctl.ok("wait", "--for=condition=Ready", "pod/web")
        for words in (
            ("loss", "web", "50%"),
            ("rate", "web", "1mbit"),
            ("loss", "node1", "100%"),
            ("rate", "node2", "1mbit"),
            ("kill-agent", "node1"),
            ("cut", "node2"),
            ("node-down", "node3"),
            ("kill-runtime",),
            ("kill-control-plane",),
        ):
            labctl.ok("fault", *words)
        labctl.ok("down")
        one.until_as(before)


def test_a_node_that_leaves_takes_its_faults_along(make_lab: MakeLab) -> None:
    labctl = make_lab("--nodes", "2")
    labctl.ok("fault", "rate", "node2", "10mbit")
    labctl.ok("up", "--nodes", "1")
    assert listed(labctl) == []
    labctl.ok("up", "--nodes", "2")
    assert shapers(names.fabric_netns(labctl.lab)) == []


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("loss", "node1", "x%"), 2, "error: VALUE: 'x%' cannot be read as a loss"),
        (("loss", "node1", "120%"), 2, "error: VALUE: 120%: must be"),
        (("rate", "node1", "10"), 2, "error: VALUE: '10' cannot be read as a rate"),
        (("loss", "nobody", "10%"), 1, 'error: pods "nobody" not found'),
        (("loss", "node/nobody", "10%"), 1, 'error: nodes "nobody" not found'),
        (("loss", "on-host", "10%"), 2, "error: pod on-host is on its node's network"),
        (("cut", "nobody"), 1, 'error: nodes "nobody" not found'),
        (("node-down", "nobody"), 1, 'error: nodes "nobody" not found'),
        (("node-down",), 2, "error: missing argument 'NODE'"),
        (("unplug", "node1"), 2, "error: no such command 'unplug'"),
    ],
)
def test_what_makes_no_sense_is_refused_and_hurts_nothing(
    labctl: Labctl, words: tuple[str, ...], code: int, said: str
) -> None:
    refused = labctl("fault", *words)
    assert (refused.code, refused.out) == (code, "")
    assert refused.err.startswith(said)
    assert listed(labctl) == []


@pytest.mark.parametrize(
    "words",
    [("list",), ("clear",), ("loss", "node1"), ("cut", "node1"), ("kill-runtime",)],
)
def test_a_lab_that_is_not_there_has_no_faults(words: tuple[str, ...]) -> None:
    assert Labctl("none-such")("fault", *words).code == 3
