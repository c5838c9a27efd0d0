"""Bad cables stay bad: whoever mends a network may plug in a new one, and knows of no fault.

What limits and loses packets goes with the interface it is at, and what comes in its place has
another index.
"""

import asyncio
import contextlib

from labctl.errors import LabError
from labctl.lab.faults import record

_LOOK_SECONDS = 0.5


async def keep(lab: str) -> None:
    """Looks after the bad cables of a lab until cancelled."""
    while True:
        await asyncio.sleep(_LOOK_SECONDS)
        for cable in record.read(lab).cables:
            from labctl.lab.faults import cables  # a lab without faults need not know how

            with contextlib.suppress(LabError, OSError):  # the next look may find it
                cables.renew(lab, cable)
