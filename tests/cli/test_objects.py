"""The commands on objects, as a user types them, against a real lab."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from labctl import names
from tests.command import PROGRAM, Labctl
from tests.waiting import until


@pytest.fixture(scope="module")
def space(labctl: Labctl) -> Iterator[str]:
    """A namespace of this module's own."""
    name = f"objects-{os.getpid()}"
    assert labctl.ok("create", "namespace", name) == f"namespace/{name} created\n"
    yield name
    assert labctl.ok("delete", "namespace", name) == f'namespace "{name}" deleted\n'


@pytest.fixture(scope="module")
def web(labctl: Labctl, space: str) -> str:
    """A Deployment of three stand-ins; the name of one pod."""
    words = ("create", "deployment", "web", "--image", "nginx", "--replicas", "3", "--port", "80")
    assert labctl.ok(*words, "-n", space) == "deployment.apps/web created\n"
    followed = labctl.ok("rollout", "status", "deployment/web", "-n", space)
    assert followed.splitlines()[-1] == 'deployment "web" successfully rolled out'
    template = "{.items[0].metadata.name}"
    return labctl.ok("get", "pods", "-n", space, "-l", "app=web", "-o", f"jsonpath={template}")


MANIFESTS = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: NS}
data: {mode: test}
---
apiVersion: v1
kind: Namespace
metadata: {name: NS}
"""


def test_apply_creates_configures_and_leaves_unchanged(labctl: Labctl) -> None:
    name = f"apply-{os.getpid()}"
    text = MANIFESTS.replace("NS", name)
    assert labctl.ok("apply", "-f", "-", stdin=text).splitlines() == [
        f"namespace/{name} created",
        "configmap/settings created",
    ]
    changed = text.replace("mode: test", "mode: real")
    assert labctl.ok("apply", "-f", "-", stdin=changed).splitlines() == [
        f"namespace/{name} unchanged",
        "configmap/settings configured",
    ]
    unchanged = labctl.ok(
        "apply",
        "-f",
        "-",
        stdin=changed,
    )
    assert unchanged.count(" unchanged\n") == 2
    assert labctl.ok("delete", "-f", "-", stdin=changed).splitlines() == [
        'configmap "settings" deleted',
        f'namespace "{name}" deleted',
    ]
    assert labctl("get", "namespace", name).code == 1


def test_apply_on_the_server_tells_whose_a_field_is(labctl: Labctl) -> None:
    name = f"served-{os.getpid()}"
    text = MANIFESTS.replace("NS", name)
    served = ("apply", "--server-side", "-f", "-")
    assert labctl.ok(*served, stdin=text).splitlines() == [
        f"namespace/{name} serverside-applied",
        "configmap/settings serverside-applied",
    ]
    theirs = text.replace("mode: test", "mode: real")
    labctl.ok("apply", "-f", "-", stdin=theirs)
    conflict = labctl(*served, stdin=text)
    assert conflict.code != 0
    assert 'conflict with "labctl" using v1: .data.mode' in conflict.err
    labctl.ok(*served, "--force-conflicts", stdin=text)
    settings = ("get", "cm", "settings", "-n", name, "-o", "json")
    shown = json.loads(labctl.ok(*settings))
    assert (shown["data"], "managedFields" in shown["metadata"]) == ({"mode": "test"}, False)
    assert "managedFields" in json.loads(labctl.ok(*settings, "--show-managed-fields"))["metadata"]
    assert labctl("apply", "--force-conflicts", "-f", "-", stdin=text).code == 2
    labctl.ok("delete", "-f", "-", stdin=text)


def test_bad_manifests_among_good_ones_change_nothing(
    labctl: Labctl, space: str, tmp_path: Path
) -> None:
    good = MANIFESTS.replace("NS", space).replace("settings", "first")
    (tmp_path / "a.yaml").write_text(good)
    (tmp_path / "b.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: Bad_Name}")
    result = labctl("apply", "-f", str(tmp_path))
    assert result.code == 2
    assert "b.yaml:3: metadata.name: Invalid value" in result.err
    assert labctl("get", "cm", "first", "-n", space).code == 1


@pytest.mark.usefixtures("web")
def test_a_patch_that_the_server_refuses_stops_apply_before_it_begins(
    labctl: Labctl, space: str
) -> None:
    deployment = json.loads(labctl.ok("get", "deploy", "web", "-n", space, "-o", "json"))
    spec = deployment["spec"]
    spec["selector"] = {"matchLabels": {"app": "other"}}
    spec["template"]["metadata"]["labels"] = {"app": "other"}
    bad = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": space},
        "spec": spec,
    }
    settings = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "before", "namespace": space},
    }
    both = {"apiVersion": "v1", "kind": "List", "items": [settings, bad]}
    result = labctl("apply", "-f", "-", stdin=json.dumps(both))
    assert result.code == 2
    assert "spec.selector" in result.err
    assert "immutable" in result.err
    assert labctl("get", "cm", "before", "-n", space).code == 1


def test_get_prints_as_kubectl_does(labctl: Labctl, space: str, web: str) -> None:
    """Ages may differ by a second, so they are left out."""
    config = labctl.ok("kubeconfig")
    assert "client-certificate-data" in config
    for words in (
        ("get", "pods"), ("get", "deploy"), ("get", "rs,deploy"), ("get", "all"),
        ("get", "pod", web), ("get", "nodes"), ("get", "pods", "-A"), ("get", "ns"),
        ("get", "pods", "--show-labels"), ("get", "pods", "-l", "app=none"),
        ("get", "pods", "-o", "name"), ("get", "deploy/web", "-o", "jsonpath={.spec.replicas}"),
        ("get", "pods", "-o", "jsonpath={.items[*].status.podIP}"),
        ("get", "pods", "--field-selector", "status.phase=Running", "--no-headers"),
        ("get", "pods", "-o", "wide"),
    ):  # fmt: skip
        ours = labctl(*words, "-n", space)
        theirs = labctl("kubectl", *words, "-n", space)
        assert ours.code == theirs.code == 0
        assert ageless(ours.out) == ageless(theirs.out), words
        assert ours.err == theirs.err


def ageless(text: str) -> list[list[str]]:
    """The words of each line, with ages made equal."""
    words = [line.split() for line in text.splitlines()]
    return [["AGE" if re.fullmatch(r"(\d+[smhd])+", w) else w for w in line] for line in words]


def test_lists_are_sorted_by_a_field_that_somebody_has(labctl: Labctl) -> None:
    words = ("get", "namespaces", "-o", "name", "--sort-by")
    names = labctl.ok(*words, ".metadata.name").splitlines()
    assert names == sorted(names)
    for form in ("name", "wide"):
        result = labctl("get", "namespaces", "-o", form, "--sort-by", ".metadata.nmae")
        assert (result.code, result.out) == (2, "")
        assert result.err.startswith("error: --sort-by .metadata.nmae: no object has that field")


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_objects_are_printed_whole(labctl: Labctl, space: str, web: str, form: str) -> None:
    ours = labctl.ok("get", "pod", web, "-n", space, "-o", form)
    assert ours == labctl.ok("kubectl", "get", "pod", web, "-n", space, "-o", form)


@pytest.mark.usefixtures("web")
def test_labctl_output_sets_the_form(labctl: Labctl, space: str) -> None:
    printed = labctl("get", "deploy", "-n", space, env={"LABCTL_OUTPUT": "name"})
    assert printed.out == "deployment.apps/web\n"


def test_what_is_not_there_is_said_and_exits_with_1(labctl: Labctl) -> None:
    for words in (("get", "pod", "none"), ("describe", "pod", "none"), ("logs", "none"),
                  ("delete", "pod", "none"), ("exec", "none", "--", "true"),
                  ("ping", "none", "outside"), ("scale", "deploy/none", "--replicas", "1"),
                  ("wait", "--for=condition=Ready", "pod/none")):  # fmt: skip
        result = labctl(*words)
        assert (result.code, result.out) == (1, ""), words
        assert re.fullmatch(
            r'error: (pods|deployments\.apps) "none" not found\n(hint: .+\n)?', result.err
        )
    assert labctl.ok("get", "pod", "none", "--ignore-not-found") == ""
    nothing = labctl("get", "pods", "-n", "nowhere")
    assert nothing.err == "No resources found in nowhere namespace.\n"
    assert labctl.ok("get", "pods", "-n", "nowhere", "-o", "name") == ""


def test_watching_prints_changes_as_they_come(labctl: Labctl, space: str) -> None:
    environment = {**os.environ, "LABCTL_LAB": labctl.lab}
    words = [str(PROGRAM), "get", "cm", "-n", space, "-w", "--field-selector", "metadata.name=seen"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, env=environment, text=True) as watch:
        assert watch.stdout is not None
        assert watch.stdout.readline().split() == ["NAME", "DATA", "AGE"]
        labctl.ok("create", "configmap", "seen", "--from-literal", "a=b", "-n", space)
        assert watch.stdout.readline().split()[:2] == ["seen", "1"]
        watch.terminate()


def test_scale_wait_and_delete(labctl: Labctl, space: str) -> None:
    labctl.ok("create", "deployment", "scaled", "--image", "nginx", "-n", space)
    assert labctl.ok("scale", "deploy/scaled", "--replicas", "2", "-n", space) == (
        "deployment.apps/scaled scaled\n"
    )
    path = "jsonpath={.status.readyReplicas}=2"
    assert labctl.ok("wait", f"--for={path}", "deploy/scaled", "-n", space) == (
        "deployment.apps/scaled condition met\n"
    )
    late = labctl("wait", "--for=delete", "deploy/scaled", "--timeout=0.1s", "-n", space)
    assert late.code == 1
    assert late.err == ("error: timed out waiting for the condition on deployments/scaled\n")
    assert labctl.ok("delete", "deploy", "scaled", "-n", space) == (
        'deployment.apps "scaled" deleted\n'
    )
    labctl.ok("wait", "--for=delete", "pod", "-l", "app=scaled", "--timeout=30s", "-n", space)


def test_delete_waits_unless_it_is_told_not_to(labctl: Labctl, space: str) -> None:
    words = ("sh", "-c", "trap '' TERM; while :; do sleep 0.1; done")
    labctl.ok("run", "slow", "--image", "x", "-n", space, "--", *words)
    labctl.ok("wait", "--for=condition=Ready", "pod/slow", "-n", space)
    labctl.ok("delete", "pod", "slow", "--wait=false", "-n", space)
    assert "Terminating" in labctl.ok("get", "pod", "slow", "-n", space)
    labctl.ok("delete", "pod", "slow", "--grace-period", "1", "-n", space)
    assert labctl("get", "pod", "slow", "-n", space).code == 1


def test_rollouts_have_a_history_and_go_back(labctl: Labctl, space: str) -> None:
    text = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: rolled}
spec:
  replicas: 2
  selector: {matchLabels: {app: rolled}}
  template:
    metadata: {labels: {app: rolled}}
    spec: {containers: [{name: c, image: "app:1"}]}
"""
    labctl.ok("apply", "-f", "-", "-n", space, stdin=text)
    labctl.ok("rollout", "status", "deploy/rolled", "-n", space)
    labctl.ok("apply", "-f", "-", "-n", space, stdin=text.replace("app:1", "app:2"))
    labctl.ok("rollout", "status", "deploy/rolled", "-n", space)
    history = labctl.ok("rollout", "history", "deploy/rolled", "-n", space)
    assert history == labctl.ok("kubectl", "rollout", "history", "deploy/rolled", "-n", space)
    one = labctl.ok("rollout", "history", "deploy/rolled", "--revision", "1", "-n", space)
    assert "app:1" in one
    undone = labctl.ok("rollout", "undo", "deploy/rolled", "-n", space)
    assert undone == "deployment.apps/rolled rolled back\n"
    labctl.ok("rollout", "status", "deploy/rolled", "-n", space)
    image = "jsonpath={.spec.template.spec.containers[0].image}"
    assert labctl.ok("get", "deploy", "rolled", "-n", space, "-o", image) == "app:1"
    before = labctl.ok("get", "pods", "-l", "app=rolled", "-n", space, "-o", "name")
    labctl.ok("rollout", "restart", "deploy/rolled", "-n", space)
    labctl.ok("rollout", "status", "deploy/rolled", "-n", space)
    after = labctl.ok("get", "pods", "-l", "app=rolled", "-n", space, "-o", "name")
    assert not set(before.split()) & set(after.split())


@pytest.mark.parametrize("what", ["pod/WEB", "deployment/web", "rs", "configmap/kube-root-ca.crt"])
def test_descriptions_end_with_events(labctl: Labctl, space: str, web: str, what: str) -> None:
    result = labctl("describe", what.replace("WEB", web), "-n", space)
    if result.code:
        assert "not found" in result.err
        return
    assert result.out.startswith("Name:")
    assert "\nEvents:" in result.out


def test_a_pod_is_described_as_kubectl_does(labctl: Labctl, space: str, web: str) -> None:
    ours = labctl.ok("describe", "pod", web, "-n", space)
    theirs = labctl.ok("kubectl", "describe", "pod", web, "-n", space)
    ours, said = re.subn(
        r" *Stand-In: *image \"nginx\" is not here: a stand-in answers\n", "", ours
    )
    assert said == 1
    assert ageless(ours) == ageless(theirs)


@pytest.mark.usefixtures("web")
def test_a_deployment_is_described_as_kubectl_does(labctl: Labctl, space: str) -> None:
    ours = labctl.ok("describe", "deployment", "web", "-n", space)
    theirs = labctl.ok("kubectl", "describe", "deployment", "web", "-n", space)
    assert ageless(ours) == ageless(theirs)


def test_exec_passes_input_output_and_the_exit_code(labctl: Labctl, space: str, web: str) -> None:
    assert labctl.ok("exec", web, "-n", space, "--", "hostname") == f"{web}\n"
    assert labctl.ok("exec", "-i", web, "-n", space, "--", "cat", stdin="typed") == "typed"
    failed = labctl("exec", "deploy/web", "-n", space, "--", "sh", "-c", "echo oops >&2; exit 7")
    assert (failed.code, failed.out, failed.err) == (7, "", "oops\n")
    assert labctl("exec", f"{web}.{space}", "--", "true").code == 0
    assert labctl("exec", web, "-n", space, "--", "no-such-program").code == 127


def test_logs_of_a_stand_in_are_its_access_lines(labctl: Labctl, space: str, web: str) -> None:
    ip = labctl.ok("get", "pod", web, "-n", space, "-o", "jsonpath={.status.podIP}")
    answer = labctl.ok("exec", web, "-n", space, "--", "curl", "-s", f"http://{ip}/hello")
    assert json.loads(answer)["pod"] == web
    until(lambda: "/hello" in labctl.ok("logs", web, "-n", space))
    assert "/hello" in labctl.ok("logs", f"{web}.{space}", "--tail", "1", "--timestamps")


def test_whoever_stops_following_a_log_leaves_no_traceback(labctl: Labctl, space: str) -> None:
    loop = ("sh", "-c", "while :; do echo more; sleep 0.05; done")
    labctl.ok("run", "chatty", "--image", "x", "-n", space, "--", *loop)
    labctl.ok("wait", "--for=condition=Ready", "pod/chatty", "-n", space)
    environment = {**os.environ, "LABCTL_LAB": labctl.lab}
    words = (PROGRAM, "logs", "-f", "chatty", "-n", space)
    with subprocess.Popen(words, stdout=subprocess.PIPE, env=environment, text=True) as following:
        assert following.stdout is not None
        assert following.stdout.readline() == "more\n"
        following.terminate()
    labctl.ok("delete", "pod", "chatty", "--now", "-n", space)
    told = {file.name: file.read_text() for file in names.log_dir(labctl.lab).glob("*.log")}
    assert told
    assert [name for name, text in told.items() if "ConnectionReset" in text] == []


def test_logs_of_a_program_are_what_it_wrote(labctl: Labctl, space: str) -> None:
    words = ("sh", "-c", "echo one; echo two >&2; sleep 1000")
    labctl.ok("run", "talker", "--image", "x", "-n", space, "--", *words)
    labctl.ok("wait", "--for=condition=Ready", "pod/talker", "-n", space)
    until(lambda: labctl.ok("logs", "talker", "-n", space) == "one\ntwo\n")
    assert labctl.ok("logs", "talker", "--tail=1", "-n", space) == "two\n"
    labctl.ok("delete", "pod", "talker", "--now", "-n", space)
