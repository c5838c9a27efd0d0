"""kubectl, passed through with the lab's kubeconfig: every word, and its exit code."""

import os
import signal
from pathlib import Path

from labctl.lab import cgroup
from tests.command import Labctl
from tests.conftest import MakeLab
from tests.waiting import until


def test_the_words_after_two_dashes_arrive_with_them(labctl: Labctl) -> None:
    labctl.ok("run", "passed", "--image", "nginx", "--labels", "app=passed")
    labctl.ok("wait", "--for=condition=Ready", "pod/passed")
    result = labctl("kubectl", "exec", "passed", "--", "sh", "-c", "echo --lab; exit 9")
    assert (result.code, result.out) == (9, "--lab\n")
    labctl.ok("delete", "pod", "passed", "--now")


def test_the_lab_is_named_before_or_among_the_words(labctl: Labctl) -> None:
    for words in (
        ("--lab", labctl.lab, "kubectl", "get", "ns", "default", "-o", "name"),
        ("kubectl", "--lab", labctl.lab, "get", "ns", "default", "-o", "name"),
        ("kubectl", "get", "ns", "default", "-o", "name", f"--lab={labctl.lab}"),
        ("--lab", labctl.lab, "kubectl", "--", "get", "ns", "default", "-o", "name"),
    ):
        assert Labctl().ok(*words) == "namespace/default\n"


def test_its_exit_code_is_labctls(labctl: Labctl) -> None:
    assert labctl("kubectl", "get", "pod", "none").code == 1


def test_a_control_plane_that_is_away_for_a_moment_is_told_as_that(make_lab: MakeLab) -> None:
    labctl = make_lab("--nodes", "1")
    found = {one["name"]: one["pid"] for one in labctl("status", "-o", "json").json["processes"]}
    os.kill(found["supervisor"], signal.SIGSTOP)
    try:
        os.kill(found["control-plane"], signal.SIGKILL)
        result = labctl("get", "pods")
    finally:
        os.kill(found["supervisor"], signal.SIGCONT)
    assert result.code == 3
    assert result.err.splitlines()[0] == (
        f"error: the control plane of lab '{labctl.lab}' does not answer"
    )
    until(lambda: labctl("get", "pods").code == 0)


def test_a_lab_that_is_down_is_exit_code_3(make_lab: MakeLab, tmp_path: Path) -> None:
    labctl = make_lab("--nodes", "1")
    written = tmp_path / "config"
    assert labctl.ok("kubeconfig", "--write", str(written)) == ""
    assert os.stat(written).st_mode & 0o777 == 0o600
    cgroup.kill(labctl.lab)
    cgroup.wait_empty(labctl.lab, 5)
    for words in (("kubectl", "get", "pods"), ("kubeconfig",), ("fault", "cut", "node1"),
                  ("fault", "kill-agent", "node1"), ("wait", "--for=delete", "pod/a", "pod/b"),
                  ("get", "pod", "a", "b"), ("plan", "node1"), ("ps",)):  # fmt: skip
        result = labctl(*words)
        assert result.code == 3, words
        assert result.err.startswith(f"error: lab '{labctl.lab}' is not up\nhint: labctl up --lab")
