"""tcpSocket: whether somebody accepts a connection."""

import asyncio
import contextlib
import os

from labctl.node.probes.probe import Outcome


async def connect(host: str, port: int, seconds: float) -> Outcome:
    try:
        async with asyncio.timeout(seconds):
            _, writer = await asyncio.open_connection(host, port)
    except TimeoutError:
        return Outcome(healthy=False, message=f"dial tcp {host}:{port}: i/o timeout")
    except OSError as error:
        return Outcome(healthy=False, message=refusal(host, port, error))
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return Outcome(healthy=True)


def refusal(host: str, port: int, error: OSError) -> str:
    """Why there is no connection, as Go words it; asyncio's own words hide the system's."""
    why = os.strerror(error.errno).lower() if error.errno else str(error)
    return f"dial tcp {host}:{port}: connect: {why}"
