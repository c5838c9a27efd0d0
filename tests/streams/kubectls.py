"""The kubectls whose streams differ: SPDY alone, WebSocket for commands, for ports as well, newest."""

import os
import subprocess
from pathlib import Path

from tests.apiserver.kubectls import NEWEST, kubectls

_SECONDS = 60.0
# SPDY alone; commands over WebSocket; SPDY only in a WebSocket, for ports; and what comes next
_TELLING = (20, 30, 33, NEWEST)

PROGRAMS = {minor: path for minor, path in kubectls().items() if minor in _TELLING}


class Kubectl:
    """Runs one of them for a lab, with a home of its own."""

    def __init__(self, program: Path, config: Path) -> None:
        self.program = program
        home = config.parent
        self._env = {"PATH": os.environ["PATH"], "HOME": str(home), "KUBECONFIG": str(config)}

    def __call__(self, *words: str, stdin: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
        """Runs it to the end, whatever the exit code."""
        return subprocess.run(
            [self.program, *words],
            input=stdin,
            capture_output=True,
            env=self._env,
            timeout=_SECONDS,
            check=False,
        )

    def ok(self, *words: str, stdin: bytes = b"") -> bytes:
        """Runs it, asserts that it ended with 0, and returns what it printed."""
        done = self(*words, stdin=stdin)
        assert done.returncode == 0, f"{words}: {done.returncode}\n{done.stderr.decode()}"
        return done.stdout

    def start(self, *words: str, stdin: int | None = None) -> "subprocess.Popen[bytes]":
        """Starts it; stderr goes where stdout goes."""
        return subprocess.Popen(
            [self.program, *words],
            stdin=stdin or subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=self._env,
        )
