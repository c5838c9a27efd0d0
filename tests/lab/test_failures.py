"""Whatever goes wrong in the middle of `up` and `down`, or ends them there, nothing is left."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.command import PROGRAM, Labctl
from tests.lab.conftest import LAB
from tests.lab.test_inventory import PODS, kill
from tests.machine import Machine, machine

_PARTS = [1 / 12, 3 / 12, 4 / 12, 5 / 12, 6 / 12, 7 / 12, 8 / 12, 10 / 12]
_NOWHERE = PODS.replace("metadata: {name: web}", "metadata: {name: web, namespace: nowhere}")
_REFUSED = PODS.replace("replicas: 3", "replicas: -3")
# One port for all of this machine's sockets, and somebody has it.
_TAKE_PORTS = """
sysctl -qw net.ipv4.ip_local_port_range='50000 50000'
exec python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 50000)); print("taken", flush=True); input()'
"""


@pytest.fixture(scope="module")
def durations(own: Machine) -> tuple[float, float]:
    """How long `up` and `down` take here and now, in seconds."""
    labctl = own.labctl(LAB)
    began = time.monotonic()
    labctl.ok("up", "-", "--nodes", "2", stdin=PODS)
    up = time.monotonic()
    labctl.ok("down")
    return up - began, time.monotonic() - up


def stopped_after(own: Machine, seconds: float, *words: str) -> None:
    """Runs labctl and SIGKILLs it, unless it was quicker."""
    after = ("timeout", "-s", "KILL", f"{seconds:.3f}", str(PROGRAM))
    own.run(*after, *words, "--lab", LAB, check=False)


@pytest.mark.usefixtures("tidy")
@pytest.mark.parametrize("part", _PARTS)
@pytest.mark.parametrize("what", ["up", "all"])
def test_an_up_that_is_killed_leaves_nothing(
    own: Machine, durations: tuple[float, float], what: str, part: float
) -> None:
    """`up` alone, or with it all that it started."""
    stopped_after(own, part * durations[0], "up", "--nodes", "2")
    if what == "all":
        kill(own, "")


@pytest.mark.parametrize("part", _PARTS)
@pytest.mark.parametrize("alive", [True, False], ids=["", "without-supervisor"])
def test_a_down_that_is_killed_leaves_nothing(
    tidy: Labctl, own: Machine, durations: tuple[float, float], part: float, *, alive: bool
) -> None:
    tidy.ok("up", "-", "--nodes", "2", stdin=PODS)
    if not alive:
        kill(own, "supervisor")
    stopped_after(own, part * durations[1], "down")


@pytest.mark.parametrize("part", _PARTS[1::3])
def test_what_a_killed_down_left_comes_up_again(
    tidy: Labctl, own: Machine, durations: tuple[float, float], part: float
) -> None:
    tidy.ok("up", "-", "--nodes", "2", stdin=PODS)
    stopped_after(own, part * durations[1], "down")
    tidy.ok("up", "--nodes", "2")


@pytest.mark.parametrize(
    ("manifest", "code", "said"),
    [
        (_NOWHERE, 1, 'namespaces "nowhere" not found'),
        (_REFUSED, 2, "spec.replicas"),
    ],
)
def test_neither_does_an_up_that_fails_at_its_last_step(
    tidy: Labctl, manifest: str, code: int, said: str
) -> None:
    result = tidy("up", "-", "--nodes", "1", stdin=manifest)
    assert result.code == code
    assert said in result.err
    assert tidy("status").code == 3


@pytest.mark.usefixtures("tidy")
@pytest.mark.parametrize("program", ["nft", "catatonit"])
def test_neither_does_an_up_for_which_a_program_is_missing(
    own: Machine, tmp_path: Path, program: str
) -> None:
    """A PATH with a few programs only."""
    for other in {"nft", "catatonit"} - {program}:
        (tmp_path / other).symlink_to(f"/usr/sbin/{other}")
    result = Labctl(LAB, (*own.entry, "env", f"PATH={tmp_path}"))("up", "--nodes", "1")
    assert (result.code, program in result.err) == (4, True)


@pytest.mark.usefixtures("tidy")
def test_neither_does_one_that_is_interrupted_while_it_waits(own: Machine, tmp_path: Path) -> None:
    """For nodes that cannot be Ready, since their agents have an nft that fails."""
    (tmp_path / "nft").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "nft").chmod(0o755)
    path = f"PATH={tmp_path}:/usr/sbin:/usr/bin:/sbin:/bin"
    interrupted = ("timeout", "--preserve-status", "-s", "INT", "4")
    result = Labctl(LAB, (*own.entry, "env", path, *interrupted))("up", "--nodes", "1")
    assert result.code == 130
    assert "taking away what was made" in result.err


@pytest.fixture
def small() -> Iterator[Machine]:
    """A machine whose disk is soon full."""
    with machine() as one:
        yield one


@pytest.mark.parametrize("kilobytes", [4, 64, 700, 1000])
def test_neither_does_one_whose_disk_is_full(small: Machine, kilobytes: int) -> None:
    small.run("mount", "-o", f"remount,size={kilobytes}k", "/var/lib")
    before = small.survey()
    result = small.labctl(LAB)("up", "-", "--nodes", "1", stdin=PODS)
    if result.code:
        assert result.err.splitlines()[-1].startswith(("error: ", "hint: "))
    else:
        small.labctl(LAB).ok("down")
    small.until_as(before)


def test_neither_does_one_that_gets_no_port(small: Machine) -> None:
    with small.running("sh", "-c", _TAKE_PORTS):
        before = small.survey()
        result = small.labctl(LAB)("up", "--nodes", "1")
        assert (result.code, "cannot listen on 127.0.0.1" in result.err) == (1, True), result.err
        small.until_as(before)
