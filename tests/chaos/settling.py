"""Waiting for order after what was done to a lab, with a deadline."""

import time

from tests.chaos.kills import Victim, restarts
from tests.chaos.order import disorder
from tests.chaos.population import population
from tests.command import Labctl
from tests.waiting import until


def until_in_order(
    labctl: Labctl, killed: list[Victim], nodes: int, seconds: float = 20.0
) -> float:
    """Returns how long it took until all is as it should be after these kills; or says what is not."""
    wanted = restarts(population(nodes), killed)
    found: list[str] = []
    began = time.monotonic()

    def in_order() -> bool:
        found[:] = disorder(labctl, wanted)
        return not found

    try:
        until(in_order, seconds)
    except AssertionError:
        story = ", ".join(map(str, killed))
        raise AssertionError("\n".join([f"after the kills of {story}:", *found])) from None
    return time.monotonic() - began
