"""What a lab costs, where that is no matter of time: memory as ratios, imports as names."""

import re
import subprocess
from pathlib import Path

import pytest

from labctl.lab import processes
from tests.command import PROGRAM, Labctl
from tests.conftest import MakeLab

_HEAVY = {"aiohttp", "cryptography", "jsonschema_rs", "pyroute2", "rich", "scapy", "uvloop", "yaml"}


@pytest.fixture(scope="module")
def labctl(make_lab: MakeLab) -> Labctl:
    one = make_lab("--nodes", "4")
    one.ok("create", "deployment", "web", "--image", "nginx", "--replicas", "2")
    one.ok("rollout", "status", "deployment/web")
    return one


def _memory(pid: int) -> dict[str, int]:
    """The fields of smaps_rollup (proc(5)) in kB."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return {name: int(size) for name, size in re.findall(r"(\w+): +([0-9]+) kB", text)}


def test_agents_share_most_of_their_memory(labctl: Labctl) -> None:
    """A third is an agent's own; it was half before what is made first was made before the fork."""
    agents = [p for p in processes.read_record(labctl.lab).processes if p.name.startswith("agent-")]
    assert len(agents) == 4
    for agent in agents:
        memory = _memory(agent.pid)
        assert memory["Private_Dirty"] < 0.42 * memory["Anonymous"], memory


def test_get_imports_what_it_needs(labctl: Labctl) -> None:
    python = PROGRAM.with_name("python")
    words = ("-X", "importtime", PROGRAM, "get", "pods", "--lab", labctl.lab)
    done = subprocess.run([python, *words], capture_output=True, text=True, check=True)
    assert "web-" in done.stdout
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "labctl.cli.main" in imported
    assert not _HEAVY & imported
