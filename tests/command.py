"""The `labctl` command as a user runs it: a process of its own, and what came of it."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROGRAM = Path(sys.executable).with_name("labctl")
SECONDS = 100.0


@dataclass(frozen=True)
class Result:
    """What a run of labctl left: exit code, stdout and stderr."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Labctl:
    """Runs labctl; `lab` is in LABCTL_LAB unless it is empty; `entry` are words to put before."""

    def __init__(self, lab: str = "", entry: tuple[str, ...] = ()) -> None:
        self.lab = lab
        self.entry = entry

    def __call__(self, *words: str, stdin: str = "", env: dict[str, str] | None = None) -> Result:
        """Runs it, whatever the exit code."""
        own = {name: value for name, value in os.environ.items() if not name.startswith("LABCTL_")}
        environment = {**own, "LC_ALL": "C.UTF-8", **(env or {})}
        environment |= {"LABCTL_LAB": self.lab} if self.lab else {}
        done = subprocess.run(
            [*self.entry, PROGRAM, *words],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            env=environment,
            check=False,
        )
        return Result(done.returncode, done.stdout, done.stderr)

    def ok(self, *words: str, stdin: str = "") -> str:
        """Runs it, asserts that it ended with 0, and returns what it printed."""
        result = self(*words, stdin=stdin)
        assert result.code == 0, (
            f"labctl {' '.join(words)}: {result.code}\n{result.err}{result.out}"
        )
        return result.out
