"""Promise: a node, or the control plane, that is cut off loses nothing, and nothing is given twice.

The times are a tenth of Kubernetes' and less; what follows what is the same.
"""

import time
from collections.abc import Callable

import pytest

from labctl.api.objects import Obj
from tests.command import Labctl
from tests.conftest import MakeLab
from tests.waiting import until
from tests.whole.history import addresses_given, addresses_given_twice
from tests.whole.witnesses import flooding, place, said, talkers

Record = Callable[[str, object], None]

_GRACE, _EVICTION = 4, 2
_LAB = f"""
apiVersion: labctl.io/v1alpha1
kind: Lab
spec:
  nodes: 3
  times: {{heartbeatSeconds: 1, graceSeconds: {_GRACE}, evictionSeconds: {_EVICTION}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web}}
spec:
  replicas: 6
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec:
      terminationGracePeriodSeconds: 1
      containers: [{{name: nginx, image: nginx, ports: [{{containerPort: 80}}]}}]
"""
_UNREACHABLE = "node.kubernetes.io/unreachable"
_PINNED = """
apiVersion: v1
kind: Pod
metadata: {name: NAME, labels: {app: pinned}}
spec:
  nodeName: node2
  terminationGracePeriodSeconds: 0
  containers: [{name: nginx, image: nginx}]
---
"""


@pytest.fixture(scope="module")
def labctl(make_lab: MakeLab) -> Labctl:
    one = make_lab("-", stdin=_LAB)
    one.ok("rollout", "status", "deployment/web")
    return one


def objects(labctl: Labctl, kind: str, *words: str) -> list[Obj]:
    items: list[Obj] = labctl("get", kind, *words, "-o", "json").json["items"]
    return items


def readiness(labctl: Labctl) -> dict[str, str]:
    return {
        one["metadata"]["name"]: each["status"]
        for one in objects(labctl, "nodes")
        for each in one["status"]["conditions"]
        if each["type"] == "Ready"
    }


def sandboxes(labctl: Labctl, node: str = "") -> dict[str, int]:
    """Pause's pid by pod, of what lives; no two have one address."""
    words = ("ps", node) if node else ("ps",)
    live = [one for one in labctl(*words, "-o", "json").json["items"] if one["state"] == "ready"]
    assert len({one["ip"] for one in live}) == len(live)
    return {one["pod"]: one["pid"] for one in live}


def taints(labctl: Labctl, node: str) -> set[tuple[str, str]]:
    found = labctl("get", "node", node, "-o", "json").json["spec"].get("taints") or ()
    return {(one["key"], one["effect"]) for one in found}


def on(labctl: Labctl, node: str) -> list[Obj]:
    return [one for one in objects(labctl, "pods") if one["spec"].get("nodeName") == node]


def test_a_node_that_is_cut_off_keeps_its_pods_and_is_replaced_and_comes_back_clean(
    labctl: Labctl, record_property: Record
) -> None:
    before = sandboxes(labctl, "node2")
    evicted = [one["metadata"]["name"] for one in on(labctl, "node2")]
    assert len(evicted) == len(before) == 2
    first, second = (place(one, labctl.lab) for one in on(labctl, "node2"))
    with flooding(first, second) as flood:
        labctl.ok("fault", "cut", "node2")
        cut = time.monotonic()
        until(lambda: readiness(labctl)["node2"] == "Unknown", seconds=20)
        silent = time.monotonic() - cut
        until(lambda: taints(labctl, "node2") == {
            (_UNREACHABLE, "NoSchedule"), (_UNREACHABLE, "NoExecute"),
        })  # fmt: skip
        until(lambda: all("deletionTimestamp" in one["metadata"] for one in on(labctl, "node2")))
        sent_away = time.monotonic() - cut
        available = ("get", "deployment", "web", "-o", "jsonpath={.status.availableReplicas}")
        until(lambda: labctl.ok(*available) == "6", seconds=20)
        replaced = time.monotonic() - cut
        assert sandboxes(labctl, "node2") == before  # its agent asks nobody who does not answer
    assert (flood.sent > 100, flood.lost) == (True, 0)
    assert _GRACE - 1.5 <= silent < sent_away
    assert sent_away - silent >= _EVICTION - 1

    labctl.ok("delete", "pod", evicted[0], "--grace-period", "0", "--force", "--wait=false")
    pinned = [f"pinned-{number}" for number in range(4)]
    labctl.ok("apply", "-f", "-", stdin="".join(_PINNED.replace("NAME", one) for one in pinned))
    labctl.ok("fault", "mend", "node2")
    mended = time.monotonic()
    until(lambda: readiness(labctl)["node2"] == "True", seconds=20)
    until(lambda: not set(evicted) & sandboxes(labctl).keys(), seconds=20)
    cleaned = time.monotonic() - mended
    labctl.ok("wait", "--for=condition=Ready", "pod", "-l", "app=pinned")
    until(lambda: sandboxes(labctl, "node2").keys() >= set(pinned))
    until(lambda: not {one["metadata"]["name"] for one in objects(labctl, "pods")} & set(evicted))
    until(lambda: taints(labctl, "node2") == set())
    assert addresses_given_twice(labctl.lab) == []
    assert addresses_given(labctl.lab) >= 6 + 2 + 4
    labctl.ok("verify", "--protocol", "icmp")
    for what, seconds in (
        ("NotReady", silent), ("evicted", sent_away), ("replaced", replaced), ("clean", cleaned),
    ):  # fmt: skip
        record_property(f"seconds until {what}", seconds)


def test_a_control_plane_that_is_cut_off_evicts_nobody_and_all_converges_after(
    labctl: Labctl, record_property: Record
) -> None:
    talkers(labctl, "node1", "node3")
    before = {one["metadata"]["uid"]: one["spec"]["nodeName"] for one in objects(labctl, "pods")}
    running, answered = sandboxes(labctl), said(labctl)[0]
    near, far = (place(on(labctl, node)[0], labctl.lab) for node in ("node1", "node3"))
    with flooding(near, far) as flood:
        labctl.ok("fault", "cut", "control-plane")
        cut = time.monotonic()
        until(lambda: set(readiness(labctl).values()) == {"Unknown"}, seconds=20)
        labctl.ok("scale", "deployment/web", "--replicas", "8")
        until(lambda: time.monotonic() - cut > _GRACE + 3 * _EVICTION + 2, seconds=30)
        assert sandboxes(labctl) == running
        kept = {one["metadata"]["uid"]: one for one in objects(labctl, "pods")}
        assert kept.keys() >= before.keys()
        assert not [one for one in kept.values() if "deletionTimestamp" in one["metadata"]]
        assert all(("NoExecute" not in effects(labctl, node)) for node in readiness(labctl))
        labctl.ok("fault", "mend", "control-plane")
        mended = time.monotonic()
        until(lambda: set(readiness(labctl).values()) == {"True"}, seconds=20)
        record_property("seconds until all are Ready again", time.monotonic() - mended)
        labctl.ok("rollout", "status", "deployment/web")
        record_property("seconds until all runs", time.monotonic() - mended)
    assert (flood.sent > 500, flood.lost) == (True, 0)
    record_property("pings", flood.sent)
    now = {one["metadata"]["uid"]: one["spec"]["nodeName"] for one in objects(labctl, "pods")}
    assert now.items() >= before.items()
    assert len(now) == len(before) + 2
    assert sandboxes(labctl).items() >= running.items()
    until(lambda: said(labctl)[0] > answered + 500)
    assert addresses_given_twice(labctl.lab) == []
    labctl.ok("verify", "--protocol", "icmp")


def effects(labctl: Labctl, node: str) -> set[str]:
    return {effect for _, effect in taints(labctl, node)}
