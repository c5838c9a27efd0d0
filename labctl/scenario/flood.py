"""Pings without a pause between two places, while something else happens."""

import asyncio
import threading
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from labctl.lab.ping import ping
from labctl.lab.places import Place

_BURST = 50  # packets between two looks at whether to stop
_INTERVAL = 0.005  # seconds


@dataclass
class Counts:
    """What became of the packets; complete when the flood has ended."""

    transmitted: int = 0
    lost: int = 0


@asynccontextmanager
async def flood(source: Place, destination: Place) -> AsyncGenerator[Counts, None]:
    """Floods as long as the context is open."""
    counts, stop = Counts(), threading.Event()
    flooding = asyncio.create_task(asyncio.to_thread(_flood, source, destination, counts, stop))
    try:
        yield counts
    finally:
        stop.set()
        await flooding


def _flood(source: Place, destination: Place, counts: Counts, stop: threading.Event) -> None:
    while not stop.is_set():
        outcome = ping(source, destination, count=_BURST, interval=_INTERVAL)
        counts.transmitted += outcome.transmitted
        counts.lost += outcome.lost
