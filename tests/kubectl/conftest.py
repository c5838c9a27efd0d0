"""The kubectls that tests of their own run: the oldest and the newest, each with a HOME of its own."""

import itertools
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pytest

from tests.command import Labctl
from tests.kubectl import programs
from tests.kubectl.environment import environment

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Kubectl:
    """A kubectl in a namespace of its own."""

    program: Path
    namespace: str
    variables: dict[str, str]

    def __call__(self, *words: str) -> str:
        """Runs it, asserts that it ended with 0, and returns what it printed."""
        command = (str(self.program), *words)
        done = subprocess.run(
            command, env=self.variables, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"kubectl {' '.join(words)}: {done.stderr}"
        return done.stdout

    @contextmanager
    def going_on(self, *words: str) -> Iterator[IO[str]]:
        """The output of a command that goes on until the end of the context."""
        with subprocess.Popen(
            (str(self.program), *words), env=self.variables, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            try:
                yield process.stdout
            finally:
                process.terminate()


@pytest.fixture(params=["oldest", "newest"])
def kubectl(request: pytest.FixtureRequest, labctl: Labctl, tmp_path: Path) -> Iterator[Kubectl]:
    program = programs.of(request.param)
    if program is None:
        pytest.skip(f"the {request.param} kubectl is not here: make setup")
    namespace = f"kubectl-{os.getpid()}-{next(_numbers)}"
    labctl.ok("create", "namespace", namespace)
    yield Kubectl(program.path, namespace, environment(program, labctl, tmp_path, namespace))
    labctl.ok("delete", "namespace", namespace, "--wait=false")  # its pods have half a minute
