"""A walk through faults, changes and verifications leaves order, and at no revision was there none.

The name of a run has its seed; `CHAOS_SEED=SEED pytest tests/chaos` plays that one again, and
CHAOS_ROUNDS makes it longer. It is walked on a machine of its own, which at the end must be as it
was found.
"""

import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from labctl.cgroups.hierarchies import read_hierarchies
from tests.chaos.kills import Victim
from tests.chaos.walk import CHANGES, FAULTS, WOUNDS, Step, backend, walk
from tests.machine import machine

SEED = int(os.environ.get("CHAOS_SEED") or time.time_ns() % 10**6)
ROUNDS = int(os.environ.get("CHAOS_ROUNDS") or 10)
LAB = f"walk{os.getpid()}"  # the groups of cgroup version 1 are the host's
_ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(120 + 60 * ROUNDS)
@pytest.mark.parametrize("seed", [SEED])
def test_walk(seed: int) -> None:
    with machine() as host:
        before, namespaces = host.survey(), host.namespaces()
        walks = (sys.executable, "-m", "tests.chaos", LAB, str(seed), str(ROUNDS))
        done = subprocess.run([*host.entry, "env", f"--chdir={_ROOT}", *walks], check=False)
        gone = host.namespaces() - namespaces
        host.labctl(LAB).ok("down")
        assert done.returncode == 0, "what is wrong was said by the walk"
        host.until_as(before, gone)
    assert not [at for at in read_hierarchies().mounts if list(at.glob(f"*{LAB}*"))]


def test_a_seed_says_all() -> None:
    assert walk(7, 30) == walk(7, 60)[:30] != walk(8, 30)
    assert {backend(seed) for seed in range(2)} == {"host-gw", "vxlan"}


def test_walks_have_steps_of_every_kind() -> None:
    steps = [step for seed in range(200) for steps in walk(seed, 20) for step in steps]
    drawn = Counter(step.kind for step in steps)
    assert drawn.keys() == {*CHANGES, *FAULTS, "uncordon", "verify", "open", "lose"}
    assert min(drawn[kind] for kind in (*CHANGES, *FAULTS)) > len(steps) / 40
    assert {step.subject for step in steps if step.kind == "wound"} == set(WOUNDS)
    assert str(Step("kill", victim=Victim("web"))) == "kill pause of web"


def test_ten_rounds_have_one_of_each_that_must_be() -> None:
    for seed in range(20):
        alone = Counter(steps[0].kind for steps in walk(seed, 10) if len(steps) == 1)
        assert (alone["open"], alone["lose"], alone["verify"]) == (1, 1, 1)


def test_a_node_can_be_scheduled_to_at_any_time() -> None:
    for seed in range(20):
        cordoned: set[str] = set()
        for step in (step for steps in walk(seed, 40) for step in steps):
            if step.kind == "cordon":
                cordoned.add(step.subject)
            elif step.kind == "uncordon":
                cordoned.remove(step.subject)
            assert len(cordoned) < 3
