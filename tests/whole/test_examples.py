"""Pods of the kinds that Kubernetes' documentation teaches with, on a lab, from a manifest."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.command import Labctl
from tests.waiting import until

MANIFESTS = Path(__file__).with_name("examples")


@pytest.fixture(scope="module")
def space(labctl: Labctl) -> Iterator[str]:
    name = f"examples-{os.getpid()}"
    labctl.ok("create", "namespace", name)
    yield name
    labctl.ok("delete", "namespace", name)


class Pod:
    """One example, applied."""

    def __init__(self, labctl: Labctl, space: str, name: str) -> None:
        self._labctl = labctl
        self._words = ("-n", space)
        self._name = name
        labctl.ok("apply", "-f", str(MANIFESTS / f"{name}.yaml"), *self._words)

    def wait(self, wish: str) -> None:
        self._labctl.ok("wait", f"--for={wish}", f"pod/{self._name}", "--timeout=60s", *self._words)

    def ready(self) -> "Pod":
        self.wait("condition=Ready")
        return self

    def field(self, path: str) -> str:
        template = f"jsonpath={{{path}}}"
        return self._labctl.ok("get", "pod", self._name, "-o", template, *self._words)

    def run(self, container: str, script: str) -> str:
        command = ("--", "sh", "-c", script)
        return self._labctl.ok("exec", self._name, "-c", container, *self._words, *command)

    def log(self, container: str) -> str:
        return self._labctl.ok("logs", self._name, "-c", container, *self._words)

    def delete(self) -> None:
        self._labctl.ok("delete", "pod", self._name, *self._words)


def test_an_init_container_prepares_what_the_others_use(labctl: Labctl, space: str) -> None:
    pod = Pod(labctl, space, "prepared").ready()
    assert pod.run("reader", "cat /work/page") == "prepared\n"
    assert pod.field(".status.initContainerStatuses[0].state.terminated.reason") == "Completed"


def test_a_sidecar_passes_on_what_the_main_container_logs(labctl: Labctl, space: str) -> None:
    pod = Pod(labctl, space, "sidecar")
    pod.wait("jsonpath=.status.phase=Succeeded")  # the sidecar does not hold it up
    assert "line 3" in pod.log("shipper").splitlines()


def test_a_container_that_is_not_alive_any_more_starts_anew(labctl: Labctl, space: str) -> None:
    pod = Pod(labctl, space, "liveness")
    pod.wait("jsonpath=.status.containerStatuses[0].restartCount=1")
    assert pod.field(".status.containerStatuses[0].lastState.terminated.exitCode") == "137"


def test_hooks_run_after_the_start_and_before_the_end(labctl: Labctl, space: str) -> None:
    pod = Pod(labctl, space, "hooks").ready()
    assert pod.run("main", "cat /data/message") == "started\n"
    pod.delete()


def test_the_downward_api_tells_a_pod_of_itself(labctl: Labctl, space: str) -> None:
    pod = Pod(labctl, space, "downward").ready()
    lines = pod.log("teller").splitlines()
    assert lines[:3] == ["downward", space, pod.field(".status.podIP")]
    assert lines[3] == pod.field(".spec.nodeName")
    assert lines[4:] == ['rack="rack-22"', 'zone="east"', "32"]


def test_two_containers_share_a_volume(labctl: Labctl, space: str) -> None:
    pod = Pod(labctl, space, "two-containers")
    pod.wait("jsonpath=.status.containerStatuses[1].state.terminated.reason=Completed")
    assert pod.field(".status.phase") == "Running"  # the other goes on
    assert pod.run("reader", "cat /usr/share/page/index.html") == "Hello from the writer\n"


def test_containers_that_share_processes_signal_each_other(labctl: Labctl, space: str) -> None:
    pod = Pod(labctl, space, "shared-processes").ready()
    pod.run("shell", "kill -HUP $(pgrep -o -f worker.loop)")
    until(lambda: "reloaded" in pod.log("worker"))
    assert "catatonit" in pod.run("shell", "cat /proc/1/comm")


def test_a_security_context_is_whom_a_container_runs_as(labctl: Labctl, space: str) -> None:
    pod = Pod(labctl, space, "security-context").ready()
    assert pod.run("main", "id -u; id -g; id -G").split() == ["1000", "3000", "3000", "2000"]
    written = pod.run("main", "echo x > /data/file && stat -c '%u %g' /data/file")
    assert written == "1000 2000\n"
    assert pod.run("admin", "ip addr add 10.99.0.1/32 dev lo && ip -o addr show lo | grep -c 10.99")


def test_a_last_word_is_told(labctl: Labctl, space: str) -> None:
    pod = Pod(labctl, space, "last-words")
    pod.wait("jsonpath=.status.phase=Failed")
    ended = ".status.containerStatuses[0].state.terminated"
    assert pod.field(f"{ended}.message") == "Sleep expired\n"
    assert pod.field(f"{ended}.exitCode") == "4"


def test_a_pod_is_active_only_so_long(labctl: Labctl, space: str) -> None:
    pod = Pod(labctl, space, "deadline")
    pod.wait("jsonpath=.status.reason=DeadlineExceeded")
    assert pod.field(".status.phase") == "Failed"
