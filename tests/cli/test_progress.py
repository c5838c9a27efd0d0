"""How far long work is: told on a terminal, and nowhere else."""

import os
import pty
import subprocess
from collections.abc import Iterator

import pytest

from labctl.cli.progress import Pace, counted
from labctl.lab.readiness import PodCount, pods_ready
from tests.command import PROGRAM, Labctl

_FAR = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: far}
spec:
  replicas: 4
  selector: {matchLabels: {app: far}}
  template:
    metadata: {labels: {app: far}}
    spec:
      nodeSelector: {planet: mars}
      containers: [{name: main, image: none}]
"""


def deployment(ready: int, wanted: int) -> dict[str, object]:
    return {"kind": "Deployment", "spec": {"replicas": wanted}, "status": {"readyReplicas": ready}}


@pytest.mark.parametrize(
    ("obj", "count"),
    [
        (deployment(2, 5), (2, 5)),
        (deployment(5, 3), (3, 3)),
        ({"kind": "StatefulSet", "spec": {"replicas": 2}}, (0, 2)),
        ({"kind": "DaemonSet", "status": {"numberReady": 1, "desiredNumberScheduled": 3}}, (1, 3)),
        ({"kind": "Pod", "status": {"conditions": [{"type": "Ready", "status": "True"}]}}, (1, 1)),
        ({"kind": "Pod"}, (0, 1)),
        ({"kind": "Node"}, None),
    ],
)
def test_pods_are_counted_by_what_they_belong_to(
    obj: dict[str, object], count: tuple[int, int] | None
) -> None:
    assert pods_ready(obj) == count


class Told:
    def __init__(self) -> None:
        self.counts: list[tuple[str, int, int]] = []

    def step(self, text: str) -> None:
        raise AssertionError(text)

    def count(self, what: str, done: int, total: int) -> None:
        self.counts.append((what, done, total))


def test_counts_of_several_add_up_and_are_told_when_they_change() -> None:
    told = Told()
    pods = PodCount(told)
    pods.see("a", deployment(0, 2))
    pods.see("b", deployment(1, 3))
    pods.see("b", deployment(1, 3))
    pods.see("c", None)
    pods.see("a", deployment(2, 2))
    assert told.counts == [("pods Ready", 0, 2), ("pods Ready", 1, 5), ("pods Ready", 3, 5)]


def test_one_is_not_many() -> None:
    assert counted(1, "nodes Ready") == "1 node Ready"
    assert counted(3, "nodes Ready") == "3 nodes Ready"
    assert counted(1, "checks sent") == "1 check sent"


def test_a_pace_is_of_what_was_done_since_it_began() -> None:
    pace = Pace("pods Ready", first=100, began=10.0)
    assert pace.text(100, 1000, now=10.0) == "100 of 1000 pods Ready"
    assert pace.text(500, 1000, now=12.0) == "500 of 1000 pods Ready, 200/s"


@pytest.fixture
def far(labctl: Labctl) -> Iterator[str]:
    """A Deployment of four pods that no node is good enough for."""
    labctl.ok("apply", "-f", "-", stdin=_FAR)
    yield "deployment/far"
    labctl.ok("delete", "deployment", "far")


def test_a_terminal_is_told_how_many_pods_are_ready(labctl: Labctl, far: str) -> None:
    """The bar goes on stderr; what is printed for programs stays as it is."""
    for words in (("rollout", "status"), ("wait", "--for=condition=Available")):
        out, shown = on_terminal(labctl.lab, *words, "--timeout=1s", far)
        assert b"0 of 4 pods Ready" in shown
        assert b"pods Ready" not in out


def test_who_has_no_terminal_is_told_nothing(labctl: Labctl, far: str) -> None:
    result = labctl("wait", "--for=jsonpath={.spec.replicas}=4", far)
    assert (result.out, result.err) == ("deployment.apps/far condition met\n", "")


def on_terminal(lab: str, *words: str) -> tuple[bytes, bytes]:
    """stdout, a pipe, and what a terminal on stderr was sent."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [PROGRAM, *words, "--lab", lab], stdout=subprocess.PIPE, stderr=slave
    )
    os.close(slave)
    with process:
        out, _ = process.communicate(timeout=60)
    shown = b""
    try:
        while chunk := os.read(master, 1 << 16):
            shown += chunk
    except OSError:  # EIO: nobody has the other end any more
        pass
    finally:
        os.close(master)
    return out, shown
