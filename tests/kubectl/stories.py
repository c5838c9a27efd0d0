"""Plays transcripts with one kubectl on a real lab, each in a namespace of its own."""

import subprocess
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from tests.command import Labctl
from tests.kubectl.environment import environment
from tests.kubectl.programs import Program
from tests.kubectl.transcript import Row, read
from tests.waiting import until

HERE = Path(__file__).parent
STORIES = HERE / "stories"
# What cordons nodes plays alone, since the nodes are everybody's.
_ON_NODES = frozenset({"nodes", "verbs"})
_SECONDS = 60.0  # a command that takes longer hangs
_PATIENCE = 10.0  # what comes soon comes within


@dataclass(frozen=True)
class Scene:
    """Where a story plays: a kubectl, on a lab, in a directory that is its HOME."""

    program: Program
    labctl: Labctl
    home: Path
    nodes: AbstractContextManager[object]
    """Taken by a story that cordons nodes."""

    def play(self, story: str) -> list[str]:
        """Plays `stories/STORY.txt` to its end; returns what was not as it must be."""
        namespace = f"{story}-1-{self.program.minor}"
        values = {
            "NS": namespace,
            "MINOR": str(self.program.minor),
            "FILES": str(HERE / "manifests"),
        }
        own = environment(self.program, self.labctl, self.home / namespace, namespace)
        self.labctl.ok("create", "namespace", namespace)
        try:
            rows = [row for row in read(STORIES / f"{story}.txt") if self._concerns(row)]
            with self.nodes if story in _ON_NODES else nullcontext():
                return list(_failures(story, rows, own | values, values))
        finally:
            self.labctl.ok("delete", "namespace", namespace, "--wait=false")

    def _concerns(self, row: Row) -> bool:
        return row.since <= self.program.minor <= row.until


def _failures(
    story: str, rows: Iterable[Row], variables: dict[str, str], values: Mapping[str, str]
) -> Iterable[str]:
    for row in rows:
        differences = _run(row, variables, values)
        if differences:
            yield f"{story}.txt:{row.line}: $ {row.command}\n  " + "\n  ".join(differences)


def _run(row: Row, variables: dict[str, str], values: Mapping[str, str]) -> list[str]:
    differences: list[str] = []

    def as_written() -> bool:
        done = subprocess.run(
            ["sh", "-c", row.command],
            cwd=variables["HOME"],
            env=variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        differences[:] = row.differences(done.returncode, done.stdout, done.stderr, values)
        return not differences

    if row.soon:
        try:
            until(as_written, _PATIENCE)
        except AssertionError:
            return differences
    else:
        as_written()
    return differences
