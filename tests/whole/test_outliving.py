"""Containers outlive whoever looks after them: the agent and the runtime are killed, and come back."""

import os
import re
import signal
from pathlib import Path

import pytest

from tests.command import Labctl
from tests.conftest import MakeLab
from tests.waiting import until

COUNT = "n=0; while :; do n=$((n+1)); echo $n; sleep 0.01; done"
PODS = """\
apiVersion: v1
kind: Pod
metadata: {name: NAME}
spec:
  restartPolicy: Never
  terminationGracePeriodSeconds: 0
  containers: [{name: main, image: busybox, command: [sh, -c, 'SCRIPT']}]
"""


def manifest(**scripts: str) -> str:
    pods = (
        PODS.replace("NAME", name).replace("SCRIPT", script) for name, script in scripts.items()
    )
    return "---\n".join(pods)


@pytest.fixture
def labctl(make_lab: MakeLab) -> Labctl:
    lab = make_lab("--nodes", "1")
    scripts = {
        "steady": COUNT,
        "ender": "while [ ! -e /go ]; do sleep 0.01; done; exit 7",
        "orphan": "exec sleep 1234",
    }
    lab.ok("apply", "-f", "-", stdin=manifest(**scripts))
    lab.ok("wait", "--for=condition=Ready", *(f"pod/{name}" for name in scripts))
    return lab


def pid(labctl: Labctl, pod: str) -> int:
    """That of the pod's one program."""
    items = labctl("ps", "-o", "json").json["items"]
    found = [one for one in items if one["pod"] == pod]
    return int(found[0]["containers"][0]["pid"])


def counted(labctl: Labctl) -> list[int]:
    return [int(line) for line in labctl.ok("logs", "steady").split()]


def no_line_is_lost(labctl: Labctl) -> bool:
    """So far, and it goes on."""
    now = counted(labctl)
    assert now == list(range(1, len(now) + 1))
    until(lambda: len(counted(labctl)) > len(now))
    return True


def state(labctl: Labctl, pod: str) -> str:
    path = "jsonpath={.status.containerStatuses[0].state.terminated}"
    return labctl.ok("get", "pod", pod, "-o", path)


def process(labctl: Labctl, name: str) -> int:
    listed = labctl("status", "-o", "json").json["processes"]
    return next(int(one["pid"]) for one in listed if one["name"] == name)


def test_what_happens_while_there_is_no_agent_is_found_by_the_next(labctl: Labctl) -> None:
    before, orphan, ender = pid(labctl, "steady"), pid(labctl, "orphan"), pid(labctl, "ender")
    labctl.ok("fault", "kill-agent", "node1")
    Path(f"/proc/{ender}/root/go").touch()
    labctl.ok("delete", "pod", "orphan", "--grace-period", "0", "--force")
    until(lambda: not Path(f"/proc/{ender}").exists())
    assert Path(f"/proc/{orphan}").exists()

    labctl.ok("fault", "start-agent", "node1")
    labctl.ok("wait", "--for=jsonpath=.status.phase=Failed", "pod/ender")
    assert '"exitCode":7' in state(labctl, "ender").replace(" ", "")
    until(lambda: not Path(f"/proc/{orphan}").exists())
    assert pid(labctl, "steady") == before
    assert no_line_is_lost(labctl)


def test_only_an_end_that_nobody_saw_is_unknown(labctl: Labctl) -> None:
    before, ender, orphan = pid(labctl, "steady"), pid(labctl, "ender"), pid(labctl, "orphan")
    Path(f"/proc/{ender}/root/go").touch()
    labctl.ok("wait", "--for=jsonpath=.status.phase=Failed", "pod/ender")
    runtime = process(labctl, "runtime")
    os.kill(runtime, signal.SIGKILL)
    os.kill(orphan, signal.SIGKILL)  # before another runtime can be there
    until(lambda: process(labctl, "runtime") not in (0, runtime))
    labctl.ok("wait", "--for=jsonpath=.status.phase=Failed", "pod/orphan")
    assert re.search(r"ContainerStatusUnknown", state(labctl, "orphan"))
    assert '"exitCode":7' in state(labctl, "ender").replace(" ", "")
    assert pid(labctl, "steady") == before
    assert no_line_is_lost(labctl)
