"""What the host `outside` serves: TCP 80 and UDP 80, telling each client the address it saw."""

import asyncio
import logging

from labctl import names
from labctl.cri.messages import Port
from labctl.runtime.standin.server import StandIn

log = logging.getLogger(__name__)

_PORTS = (Port(80, "TCP"), Port(80, "UDP"))
_RETRY_SECONDS = 0.5


async def serve_outside(lab: str) -> None:
    """Serves until cancelled; waits for the lab's fabric if it is not there yet."""
    pin = names.netns_path(names.outside_netns(lab))
    while not pin.exists():  # noqa: ASYNC110
        await asyncio.sleep(_RETRY_SECONDS)
    facts = {"host": "outside", "address": names.OUTSIDE_ADDRESS}
    stand_in = StandIn(pin, _PORTS, facts, log.debug)
    try:
        await asyncio.Event().wait()
    finally:
        stand_in.close()
