"""A walk through faults, changes and verifications leaves order, and at no revision was there none.

The name of a run has its seed; `CHAOS_SEED=SEED pytest tests/chaos` plays that one again, and
CHAOS_ROUNDS makes it longer.
"""

import os
import time
from collections import Counter

import pytest

from labctl import names
from labctl.lab import cgroup
from tests.chaos.history import History
from tests.chaos.kills import Victim
from tests.chaos.model import breaches
from tests.chaos.population import manifest, population
from tests.chaos.steps import DEPLOYMENT, take
from tests.chaos.test_twenty_kills import LAB, until_in_order
from tests.chaos.walk import NODES, WOUNDS, Step, walk
from tests.command import Labctl
from tests.conftest import MakeLab
from tests.waiting import until

SEED = int(os.environ.get("CHAOS_SEED") or time.time_ns() % 10**6)
ROUNDS = int(os.environ.get("CHAOS_ROUNDS") or 15)
SETTLE_SECONDS = 90.0


def settle(labctl: Labctl, killed: list[Victim], history: History) -> None:
    """Waits for order, and asserts that there were no breaches on the way."""
    until_in_order(labctl, killed, SETTLE_SECONDS)
    found = breaches(history.log())
    assert not found, "\n".join(found)


@pytest.mark.timeout(60 + 60 * ROUNDS)
@pytest.mark.parametrize("seed", [SEED])
def test_walk(make_lab: MakeLab, seed: int) -> None:
    labctl = make_lab("-", stdin=LAB)
    killed: list[Victim] = []
    with History.of(labctl.lab) as history:
        labctl.ok("apply", "-f", "-", stdin=manifest(population(NODES)))
        labctl.ok("apply", "-f", "-", stdin=DEPLOYMENT.format(name="web", replicas=4))
        settle(labctl, killed, history)
        for number, steps in enumerate(walk(seed, ROUNDS)):
            print(f"{number}: " + "; ".join(map(str, steps)), flush=True)
            killed += take(labctl, steps)
            settle(labctl, killed, history)
        for number in range(1, NODES + 1):
            labctl.ok("kubectl", "uncordon", f"node{number}")
        settle(labctl, killed, history)
        labctl.ok("verify")
        until(lambda: planned(labctl) == "", SETTLE_SECONDS)
        seen = Counter(change.type for change in history.log())
    assert min(seen[what] for what in ("ADDED", "MODIFIED")) > 0
    labctl.ok("down")
    assert left(labctl.lab) == []


def planned(labctl: Labctl) -> str:
    return "".join(labctl.ok("plan", f"node{number}") for number in range(1, NODES + 1))


def left(lab: str) -> list[str]:
    """What there is of a lab that is down."""
    paths = (names.run_dir(lab), names.state_dir(lab), cgroup.path(lab))
    pins = [one for one in os.listdir(names.NETNS_DIR) if f".{lab}." in one]
    return [*pins, *(str(one) for one in paths if one.exists())]


def test_a_seed_says_all() -> None:
    assert walk(7, 30) == walk(7, 30)[:30] == walk(7, 60)[:30] != walk(8, 30)


def test_walks_have_steps_of_every_kind() -> None:
    steps = [step for seed in range(60) for steps in walk(seed, 20) for step in steps]
    kinds = {step.kind for step in steps}
    assert kinds >= {"kill", "process", "wound", "cut", "loss", "verify", "open", "scale", "cordon"}
    assert {step.subject for step in steps if step.kind == "wound"} <= set(WOUNDS)
    assert str(Step("kill", "", Victim("web"))) == "kill pause of web"
