"""Whatever dies or is cut off, what runs goes on, and in the end all is as the API says."""

import os
import signal
from typing import Any

import pytest

from labctl import names
from labctl.lab import processes
from labctl.lab.places import Place
from tests.command import Labctl
from tests.conftest import MakeLab
from tests.recorded import recorded
from tests.waiting import until
from tests.whole.witnesses import flooding, place

_POD = """
apiVersion: v1
kind: Pod
metadata: {name: again}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - {name: stand-in, image: nginx, ports: [{containerPort: 80}]}
  - {name: program, image: x, command: [sleep, "1000"]}
"""

_IMPATIENT = """
apiVersion: labctl.io/v1alpha1
kind: Lab
spec:
  nodes: 2
  times: {heartbeatSeconds: 1, graceSeconds: 4, evictionSeconds: 1}
"""


@pytest.fixture(scope="module")
def labctl(make_lab: MakeLab) -> Labctl:
    """A lab of two nodes whose control plane soon loses patience; four pods are on them."""
    one = make_lab("-", stdin=_IMPATIENT)
    one.ok("create", "deployment", "web", "--image", "nginx", "--replicas", "4", "--port", "80")
    one.ok("rollout", "status", "deployment/web")
    return one


def pods(labctl: Labctl) -> dict[str, tuple[str, str, int]]:
    """Address, node and restarts of each pod."""
    return {
        f"{one['metadata']['name']} {one['metadata']['uid']}": (
            one["status"].get("podIP", ""),
            one["spec"].get("nodeName", ""),
            sum(each["restartCount"] for each in one["status"].get("containerStatuses", ())),
        )
        for one in objects(labctl, "pods")
    }


def objects(labctl: Labctl, kind: str) -> list[Any]:
    return list(labctl("get", kind, "-o", "json").json["items"])


def sandboxes(labctl: Labctl) -> list[Any]:
    """Those that live."""
    found = labctl("ps", "-o", "json").json["items"]
    return [one for one in found if one["state"] == "ready"]


def readiness(labctl: Labctl) -> set[str]:
    conditions = [each for one in objects(labctl, "nodes") for each in one["status"]["conditions"]]
    return {each["status"] for each in conditions if each["type"] == "Ready"}


def pids(labctl: Labctl) -> dict[str, int]:
    return {one.name: one.pid for one in processes.read_record(labctl.lab).processes}


def place_on(labctl: Labctl, node: str) -> Place:
    found = (one for one in objects(labctl, "pods") if one["spec"]["nodeName"] == node)
    return place(next(found), labctl.lab)


def test_a_ping_flood_loses_nothing_while_all_processes_of_the_lab_are_killed(
    labctl: Labctl,
) -> None:
    before, paused = pods(labctl), [one["pid"] for one in sandboxes(labctl)]
    near, far = (place_on(labctl, node) for node in ("node1", "node2"))
    with flooding(near, far) as flood:
        until(lambda: flood.sent > 0)
        for pid in pids(labctl).values():
            os.kill(pid, signal.SIGKILL)
        labctl.ok("up")
    assert flood.sent > 100
    assert flood.lost == 0
    until(lambda: [one["pid"] for one in sandboxes(labctl)] == paused)
    assert pods(labctl) == before
    labctl.ok("verify", "--protocol", "icmp")


def test_a_pod_whose_pause_is_killed_has_a_new_sandbox_and_address(labctl: Labctl) -> None:
    victim = sandboxes(labctl)[0]
    os.kill(victim["pid"], signal.SIGKILL)
    until(lambda: victim["id"] not in {one["id"] for one in sandboxes(labctl)})
    until(lambda: len(sandboxes(labctl)) == 4)
    labctl.ok("wait", "--for=condition=Ready", "pod", "--all")
    (after,) = (one for one in sandboxes(labctl) if one["pod"] == victim["pod"])
    assert after["ip"] != victim["ip"]
    restarts = labctl.ok("get", "pod", victim["pod"], "-o", "jsonpath={..restartCount}")
    assert restarts == "1"
    dead = [one for one in labctl("ps", "-o", "json").json["items"] if one["id"] == victim["id"]]
    assert [(one["pid"], one["netns"]) for one in dead] in ([], [(0, "")])
    labctl.ok("verify", "--protocol", "icmp")


def test_a_pod_made_and_deleted_again_and_again_leaves_nothing(labctl: Labctl) -> None:
    def traces() -> tuple[object, ...]:
        lab = labctl.lab
        return (
            recorded(lab),
            sorted(os.listdir(names.run_dir(lab) / "streams")),
            sorted(pin for pin in os.listdir(names.NETNS_DIR) if f".{lab}." in pin),
            len(os.listdir(f"/proc/{pids(labctl)['runtime']}/fd")),
        )

    def come_and_go() -> None:
        labctl.ok("create", "-f", "-", stdin=_POD)
        labctl.ok("wait", "--for=condition=Ready", "pod/again")
        uid = labctl.ok("get", "pod", "again", "-o", "jsonpath={.metadata.uid}")
        labctl.ok("delete", "pod", "again")
        until(lambda: not any(one.startswith(uid) for one in recorded(labctl.lab)))

    come_and_go()  # the first program of a lab brings the runtime's spawner, which stays
    before = traces()
    for _ in range(5):
        come_and_go()
    until(lambda: traces() == before)


def test_a_node_that_was_cut_off_is_replaced_and_comes_back_clean(labctl: Labctl) -> None:
    labctl.ok("fault", "cut", "node2")
    until(lambda: [node for _, node, _ in pods(labctl).values()].count("node1") == 4)
    kept = {key: pod for key, pod in pods(labctl).items() if pod[1] == "node1"}
    labctl.ok("fault", "mend", "node2")
    until(lambda: readiness(labctl) == {"True"})
    until(lambda: pods(labctl).keys() == kept.keys())
    until(lambda: len(sandboxes(labctl)) == 4)
    labctl.ok("rollout", "status", "deployment/web")
    assert pods(labctl) == kept
    assert len({address for address, _, _ in kept.values()}) == 4
    labctl.ok("verify", "--protocol", "icmp")


def test_when_the_control_plane_is_cut_off_nobody_is_evicted(labctl: Labctl) -> None:
    before = pods(labctl)
    labctl.ok("fault", "cut", "control-plane")
    until(lambda: readiness(labctl) == {"Unknown"})
    first, second = [one["pod"] for one in sandboxes(labctl)][:2]
    labctl.ok("ping", first, second, "-c", "100", "-i", "0.01")
    labctl.ok("fault", "mend", "control-plane")
    until(lambda: readiness(labctl) == {"True"})
    assert pods(labctl) == before
    labctl.ok("verify", "--protocol", "icmp")
