"""The scenarios that the project ships: each is run from up to down, and holds."""

import json
import os
import signal
import subprocess
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.command import PROGRAM, Labctl

SCENARIOS = sorted((Path(__file__).parents[2] / "scenarios").glob("*.yaml"))


@pytest.mark.parametrize("file", SCENARIOS, ids=lambda file: file.stem)
def test_scenario_holds_from_up_to_down(file: Path) -> None:
    labctl = Labctl(f"s{os.getpid()}-{SCENARIOS.index(file)}")
    done = labctl("scenario", "run", str(file), "-o", "json")
    report = json.loads(done.out)
    failed = [step for step in report["steps"] if step["state"] != "passed"]
    assert (report["kind"], failed, report["error"]) == ("ScenarioReport", [], "")
    assert done.code == 0
    assert labctl("status").code == 3, "the lab is still there"


def test_every_scenario_begins_with_a_comment_that_teaches() -> None:
    for file in SCENARIOS:
        lines = file.read_text().splitlines()
        comment = [line for line in lines[: lines.index("apiVersion: labctl.io/v1alpha1")] if line]
        assert len(comment) >= 4, file
        assert all(line.startswith("#") for line in comment), file


LOST = """\
apiVersion: labctl.io/v1alpha1
kind: Lab
spec: {nodes: 1}
---
apiVersion: v1
kind: Pod
metadata: {name: lost, namespace: nowhere}
spec: {containers: [{name: c, image: i}]}
---
apiVersion: labctl.io/v1alpha1
kind: Scenario
metadata: {name: lost}
spec: {steps: [{ping: {from: node/node1, to: outside}}]}
"""


LONG = """\
apiVersion: labctl.io/v1alpha1
kind: Lab
spec: {nodes: 1}
---
apiVersion: labctl.io/v1alpha1
kind: Scenario
metadata: {name: long}
spec:
  steps:
  - ping: {from: node/node1, to: outside}
  - run: {in: node/node1, command: [sleep, "30"], seconds: 30}
"""


def test_one_that_is_interrupted_says_so_in_junit_and_takes_its_lab_away(tmp_path: Path) -> None:
    file, junit = tmp_path / "long.yaml", tmp_path / "junit.xml"
    file.write_text(LONG)
    labctl = Labctl(f"s{os.getpid()}-long")
    words = ["scenario", "run", str(file), "--junit", str(junit)]
    env = {**os.environ, "LABCTL_LAB": labctl.lab}
    with subprocess.Popen([PROGRAM, *words], stderr=subprocess.PIPE, text=True, env=env) as running:
        assert running.stderr is not None
        assert any("ping" in line for line in running.stderr)
        running.send_signal(signal.SIGINT)
        running.stderr.read()
    assert running.returncode == 130
    error = ET.parse(junit).getroot()[0].find("testcase/error")
    assert error is not None
    assert error.get("message") == "interrupted"
    assert labctl("status").code == 3, "the lab is still there"


def test_junit_is_written_also_when_the_lab_cannot_be_brought_up(lab: str, tmp_path: Path) -> None:
    file, junit = tmp_path / "lost.yaml", tmp_path / "junit.xml"
    file.write_text(LOST)
    words = ("scenario", "run", str(file), "--junit", str(junit))
    own = Labctl(f"s{os.getpid()}-lost")
    for labctl, path, code, said in (
        (own, os.environ["PATH"], 1, 'namespaces "nowhere" not found'),
        (Labctl(lab), os.environ["PATH"], 2, f"lab '{lab}' exists"),
        (own, str(tmp_path), 4, "not installed"),
    ):
        junit.unlink(missing_ok=True)
        done = labctl(*words, env={"PATH": path})
        assert done.code == code, done.err
        (problem,) = [line for line in done.err.splitlines() if line.startswith("error: ")]
        assert said in problem
        suite = ET.parse(junit).getroot()[0]
        assert (suite.get("errors"), suite.get("skipped")) == ("1", "1")
        error = suite.find("testcase/error")
        assert error is not None
        assert said in error.get("message", "")
    assert own("status").code == 3, "the lab is still there"
    assert Labctl(lab)("status").code == 0, "a lab that it did not make is gone"


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("[sleep, infinity], seconds: 0.1", "sleep did not end within 0.1 s"),
        ("[no-such-program]", "no-such-program: no such file or directory"),
        ("[sh, -c, 'echo why >&2; exit 3']", "sh ended with 3: why"),
    ],
)
def test_a_program_that_does_not_do_its_part_is_a_failed_step(
    tmp_path: Path, command: str, said: str
) -> None:
    file = tmp_path / "program.yaml"
    file.write_text(
        f"""\
apiVersion: labctl.io/v1alpha1
kind: Lab
metadata: {{name: program}}
spec: {{nodes: 1}}
---
apiVersion: labctl.io/v1alpha1
kind: Scenario
metadata: {{name: program}}
spec:
  teaches: Nothing.
  steps:
  - run: {{in: node/node1, command: {command}}}
"""
    )
    done = Labctl(f"s{os.getpid()}-program")("scenario", "run", str(file), "-o", "json")
    assert done.code == 1
    assert [step["detail"] for step in done.json["steps"]] == [said]


def test_a_failed_expectation_is_named_skips_the_rest_and_takes_the_lab_away(
    tmp_path: Path,
) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text(
        """\
apiVersion: labctl.io/v1alpha1
kind: Lab
metadata: {name: wrong}
spec: {nodes: 1}
---
apiVersion: labctl.io/v1alpha1
kind: Scenario
metadata: {name: wrong}
spec:
  teaches: Nothing.
  steps:
  - say: Somebody else's address
    run: {in: node/node1, command: [ip, address], prints: "192\\\\.0\\\\.2\\\\.1"}
  - ping: {from: node/node1, to: outside}
"""
    )
    junit = tmp_path / "junit.xml"
    labctl = Labctl(f"s{os.getpid()}-wrong")
    done = labctl("scenario", "run", str(file), "-o", "json", "--junit", str(junit))
    report = json.loads(done.out)
    assert done.code == 1
    assert [step["state"] for step in report["steps"]] == ["failed", "skipped"]
    assert "192" in report["steps"][0]["detail"]
    assert 'failures="1"' in junit.read_text()
    assert labctl("status").code == 3, "the lab is still there"
