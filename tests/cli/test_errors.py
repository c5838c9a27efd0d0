"""What is wrong is one line, a hint, an exit code of the contract, and nothing changes."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.command import PROGRAM, Labctl

NO_LAB = f"none{os.getpid()}"


@pytest.mark.parametrize(
    "words",
    [
        ("status",), ("ps",), ("get", "pods"), ("describe", "pod", "a"), ("logs", "a"),
        ("exec", "a", "--", "true"), ("ping", "a", "b"), ("verify",), ("plan", "node1"),
        ("fault", "cut", "node1"), ("kubeconfig",), ("kubectl", "get", "pods"),
        ("delete", "pod", "a"), ("scale", "deploy/a", "--replicas", "1"),
        ("rollout", "status", "deploy/a"), ("wait", "--for=delete", "pod/a"),
        ("create", "deployment", "a", "--image", "i"), ("run", "a", "--image", "i"),
    ],
    ids=lambda words: words[0],
)  # fmt: skip
def test_no_such_lab_is_exit_code_3(words: tuple[str, ...]) -> None:
    result = Labctl(NO_LAB)(*words)
    assert result.code == 3
    assert result.out == ""
    assert result.err == f"error: there is no lab '{NO_LAB}'\nhint: labctl up --lab {NO_LAB}\n"


def test_down_without_a_lab_is_no_error() -> None:
    assert Labctl(NO_LAB)("down").code == 0


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("get",), "no kind given"),
        (("get", "gizmos"), "the server doesn't have a resource type"),
        (("get", "pods", "-o", "xml"), "-o xml: must be json, yaml, name, wide"),
        (("up", "--nodes", "0"), "spec.nodes: 0 nodes: a lab has 1 to 250"),
        (("up", "--nodes", "-3"), "spec.nodes: -3 nodes: a lab has 1 to 250"),
        (("up", "--nodes", "99999999999"), "spec.nodes: 99999999999 nodes: a lab has 1 to 250"),
        (("up", "--nodes", "5000"), "spec.nodes: 5000 nodes: a lab has 1 to 250"),
        (("up", "--nodes", "x"), "'x' is not a valid integer"),
        (("up", "--backend", "magic"), "'magic' is not one of 'host-gw', 'vxlan'"),
        (("up", "none.yaml"), "none.yaml: No such file or directory"),
        (("up", "--lab", "Not_A_Name"), "--lab: 'Not_A_Name' is not a DNS label"),
        (("up", "--lab", "a" * 21), "is longer than 20 characters"),
        (("apply",), "no objects were given"),
        (("create",), "-f FILE or a subcommand is wanted"),
        (("delete", "pods"), "which ones? give names"),
        (("scale", "pod/a", "--replicas", "1"), "pod/a cannot be scaled"),
        (("scale", "deploy/a", "--replicas", "-1"), "--replicas -1: must be 0 or more"),
        (("rollout", "status", "pod/a"), "pod/a has no rollouts"),
        (("wait", "--for=happiness", "pod/a"), "--for happiness: cannot be waited for"),
        (("wait", "--for=delete", "pod/a", "--timeout=soon"), "'soon' is no time"),
        (("exec", "a"), "no command was given"),
        (("verify", "--claim", "world-peace"), "--claim world-peace"),
        (("verify", "--protocol", "sctp"), "--protocol sctp"),
        (("run", "a", "--image", "i", "--env", "x"), "--env x: KEY=VALUE is wanted"),
        (("run", "Bad_Name", "--image", "i"), "metadata.name: Invalid value"),
        (("create", "deployment", "a", "--image", "i", "--replicas", "-2"), "spec.replicas"),
        (("run", "a", "--image", "i", "--port", "70000"), "70000 is not in the range"),
        (("wait", "--for=jsonpath={.a", "pod/a"), "the closing brace is missing"),
        (("scenario", "run", "none.yaml"), "none.yaml: No such file or directory"),
        (("verify", "--junit", "/none/report.xml"), "--junit /none/report.xml: cannot be written"),
        (("verify", "--junit", "/"), "--junit /: is a directory"),
        (
            ("support-bundle", "-o", "/none/bundle.tar.gz"),
            "-o /none/bundle.tar.gz: cannot be written",
        ),
        (("create", "service", "clusterip", "a"), "no such command 'service'"),
        ((), "missing command"),
        (("fault",), "missing command"),
        (("kubectl", "get", "pods", "--lab"), "--lab: '--lab' is not a DNS label"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_bad_input_is_exit_code_2(words: tuple[str, ...], complaint: str) -> None:
    result = Labctl(NO_LAB)(*words)
    assert result.code == 2, result.err
    assert result.out == ""
    first, *more = result.err.splitlines()
    assert first.startswith("error: ")
    assert complaint in first
    assert len(more) <= 1
    assert all(line.startswith("hint: ") for line in more)
    assert not Path("/var/lib/labctl", NO_LAB).exists()


@pytest.mark.parametrize(
    ("variable", "value", "complaint"),
    [
        ("LABCTL_LAB", "Not_A_Name", "LABCTL_LAB: 'Not_A_Name' is not a DNS label"),
        ("LABCTL_OUTPUT", "xml", "LABCTL_OUTPUT xml: must be json"),
    ],
)
def test_a_variable_that_is_wrong_is_named(variable: str, value: str, complaint: str) -> None:
    result = Labctl()("status", env={variable: value})
    assert result.code == 2
    assert complaint in result.err


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (
            "kind: Lab\napiVersion: labctl.io/v1alpha1\nspec: {nods: 3}",
            "stdin:3: spec.nods: unknown",
        ),
        (
            "kind: Lab\napiVersion: labctl.io/v1alpha1\nspec:\n  network: {podCIDR: 10.0.0.0/30}",
            "stdin:4: spec.network.podCIDR",
        ),
        (
            "kind: Lab\napiVersion: labctl.io/v1alpha1\nspec:\n  nodes:\n  - name: a\n  - name: a",
            "stdin:6: spec.nodes[1].name",
        ),
        ("a: b: c", "stdin:1: document 1: "),
        (
            "kind: Scenario\napiVersion: labctl.io/v1alpha1",
            "stdin:1: kind: a Scenario is not for up",
        ),
        (
            "kind: Lab\napiVersion: labctl.io/v1alpha1\nmetadata: {name: Not_A_Name}",
            "stdin:3: metadata.name: 'Not_A_Name' is not a DNS label",
        ),
        (
            "kind: Pod\napiVersion: v1\nmetadata: {name: a}\nspec: {containers: []}",
            "stdin:4: spec.containers",
        ),
    ],
)
def test_a_bad_lab_file_is_refused_with_line_and_field(text: str, complaint: str) -> None:
    result = Labctl(NO_LAB)("up", "-", stdin=text)
    assert result.code == 2, result.err
    assert complaint in result.err
    assert not Path("/var/lib/labctl", NO_LAB).exists()


@pytest.mark.parametrize("verb", ["apply", "create", "delete"])
def test_what_is_no_object_of_the_api_is_refused(verb: str) -> None:
    text = "kind: Lab\napiVersion: labctl.io/v1alpha1"
    lab = Labctl(NO_LAB)(verb, "-f", "-", stdin=text)
    assert (lab.code, lab.out) == (2, "")
    assert lab.err == (
        "error: stdin:1: kind: a Lab is no object of the API\nhint: labctl up FILE\n"
    )
    strange = Labctl(NO_LAB)(verb, "-f", "-", stdin=text.replace("Lab", "Gizmo"))
    assert strange.code == 2
    assert strange.err == "error: stdin:1: kind: labctl has no kind 'Gizmo'\n"


@pytest.mark.parametrize("words", [("up",), ("down",), ("get", "pods"), ("status",), ("list",)])
def test_without_root_it_is_exit_code_4(words: tuple[str, ...]) -> None:
    done = subprocess.run(
        ["setpriv", "--reuid=65534", "--clear-groups", PROGRAM, *words],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 4
    assert done.stderr == "error: labctl needs root\nhint: sudo labctl …\n"


@pytest.mark.parametrize("missing", ["nft", "catatonit"])
def test_a_missing_program_is_exit_code_4_with_the_line_that_installs_it(
    missing: str, tmp_path: Path
) -> None:
    other = {"nft": "catatonit", "catatonit": "nft"}[missing]
    (tmp_path / other).write_text("#!/bin/sh\n")
    (tmp_path / other).chmod(0o755)
    result = Labctl(NO_LAB)("up", env={"PATH": str(tmp_path)})
    assert result.code == 4
    package = {"nft": "nftables", "catatonit": "catatonit"}[missing]
    assert result.err == (
        f"error: {missing} is not installed (not on PATH)\n"
        f"hint: sudo apt-get install -y {package}\n"
    )
