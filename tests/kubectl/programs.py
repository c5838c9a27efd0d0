"""The kubectls at hand: Debian's 1.20, the newest of PyPI, and those between where a machine has them.

`make setup` brings the oldest and the newest. The Google Cloud SDK installs some between, beside a
`kubectl` that picks one of them by the server's version.
"""

import re
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

OLDEST = 20
_VENV = Path(sys.executable).parent
_BETWEEN = Path("/usr/lib/google-cloud-sdk/bin")


@dataclass(frozen=True)
class Program:
    """A kubectl: its minor version, and where it is."""

    minor: int
    path: Path

    def __str__(self) -> str:
        return f"1.{self.minor}"


@cache
def oldest() -> Program | None:
    path = _VENV.with_name("kubectl") / f"kubectl-1.{OLDEST}"
    return Program(OLDEST, path) if path.exists() else None


@cache
def newest() -> Program | None:
    path = _VENV / "kubectl"
    if not path.exists():
        return None
    words = (path, "version", "--client")
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    found = re.search(r"Client Version: v1\.(\d+)", said)
    assert found, said
    return Program(int(found[1]), path)


def of(which: str) -> Program | None:
    """The `oldest`, the `newest`, or `1.N`; None where it is not here."""
    if which == "oldest":
        return oldest()
    if which == "newest":
        return newest()
    return next((one for one in between() if str(one) == which), None)


@cache
def between() -> tuple[Program, ...]:
    found = (re.fullmatch(r"kubectl\.1\.(\d+)", path.name) for path in _BETWEEN.glob("kubectl.1.*"))
    minors = sorted(int(match[1]) for match in found if match)
    return tuple(Program(minor, _BETWEEN / f"kubectl.1.{minor}") for minor in minors)
