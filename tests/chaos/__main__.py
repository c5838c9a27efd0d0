"""Walks: `python -m tests.chaos LAB SEED ROUNDS` makes a lab, walks through it and leaves it up.

Each round is told before it is taken, and then how long it was until all was in order again.
Whatever is wrong ends the walk with what it is.
"""

import sys
import time
from collections import Counter

from tests.chaos.history import History
from tests.chaos.kills import Victim
from tests.chaos.manifests import DEPLOYMENT, LAB
from tests.chaos.model import breaches
from tests.chaos.population import manifest, population
from tests.chaos.settling import until_in_order
from tests.chaos.steps import patient, take
from tests.chaos.walk import NODES, backend, walk
from tests.chaos.witness import witnessing
from tests.command import Labctl
from tests.waiting import until

_SETTLE_SECONDS = 60.0
_MENDED_SECONDS = 5.0


def main(lab: str, seed: int, rounds: int) -> None:
    labctl = Labctl(lab)
    labctl.ok("up", "-", stdin=LAB.format(nodes=NODES, backend=backend(seed)))
    killed: list[Victim] = []
    with History.of(lab) as history:
        labctl.ok("apply", "-f", "-", stdin=manifest(population(NODES)))
        labctl.ok("apply", "-f", "-", stdin=DEPLOYMENT.format(name="web", replicas=4))
        _settle(labctl, killed, history)
        for number, steps in enumerate(walk(seed, rounds)):
            print(f"{number}: " + "; ".join(map(str, steps)), flush=True)
            with witnessing(labctl, steps) as flood:
                began = time.monotonic()
                killed += take(labctl, steps)
                taken = time.monotonic() - began
                seconds = _settle(labctl, killed, history)
            print(
                f"  took {taken:.2f} s, in order after {seconds:.2f} s more; "
                f"pings lost: {flood.lost} of {flood.sent}",
                flush=True,
            )
            assert not flood.lost
        for number in range(1, NODES + 1):
            labctl.ok("kubectl", "uncordon", f"node{number}")
        _settle(labctl, killed, history)
        labctl.ok("verify")
        until(lambda: planned(labctl) == [], _MENDED_SECONDS)
        seen = Counter(change.type for change in history.log())
    assert min(seen[what] for what in ("ADDED", "MODIFIED", "DELETED")) > 0, seen


def _settle(labctl: Labctl, killed: list[Victim], history: History) -> float:
    """Waits for order, and asserts that there were no breaches on the way."""
    seconds = until_in_order(labctl, killed, NODES, _SETTLE_SECONDS)
    found = breaches(history.log())
    assert not found, "\n".join(found)
    return seconds


def planned(labctl: Labctl) -> list[str]:
    """What would have to be done on the nodes and in the fabric: nothing, when all is right."""
    nodes = [labctl.ok("plan", f"node{number}") for number in range(1, NODES + 1)]
    return [*filter(None, nodes), *patient(labctl).planned()]


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
