"""What a user's shell does with labctl's own three streams."""

import os
import shlex
import subprocess

from tests.command import PROGRAM, Labctl


def _shell(script: str, lab: str = "") -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "LABCTL": str(PROGRAM), **({"LABCTL_LAB": lab} if lab else {})}
    words = ["bash", "-c", script]
    return subprocess.run(words, env=env, capture_output=True, text=True, timeout=60, check=False)


def test_a_reader_that_goes_away_is_no_error() -> None:
    done = _shell("$LABCTL schema | head -1; exit ${PIPESTATUS[0]}")
    assert (done.returncode, done.stdout, done.stderr) == (0, "{\n", "")


def test_closed_streams_lead_nowhere(labctl: Labctl) -> None:
    for words in ("version", "get nodes", "get nodes -o json", "status"):
        assert _shell(f"$LABCTL {words} >&- <&-", labctl.lab).stderr == ""
        done = _shell(f"$LABCTL {words} >&- <&- 2>&-", labctl.lab)
        assert done.returncode == 0, words
    assert _shell("$LABCTL get pods/none 2>&-", labctl.lab).returncode == 1


def test_work_goes_on_when_nobody_reads_how_far_it_is() -> None:
    lab = f"unread{os.getpid()}"
    run = Labctl(lab)
    try:
        script = f"{shlex.quote(str(PROGRAM))} up --nodes 1 2>&1 | true; exit ${{PIPESTATUS[0]}}"
        assert _shell(script, lab).returncode == 0
        assert run.ok("get", "nodes", "-o", "name") == "node/node1\n"
    finally:
        run("down")


def test_a_full_disk_is_a_line(labctl: Labctl) -> None:
    done = _shell("$LABCTL get nodes >/dev/full", labctl.lab)
    assert (done.returncode, done.stderr) == (1, "error: No space left on device\n")
