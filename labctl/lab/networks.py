"""When the nodes' networks are what the objects ask for: `up` returns no earlier.

A node is Ready when its own network is there; routes to nodes that came a moment later, or a new
backend, follow as its agent hears of them. So the plans are made until they are empty.
"""

import asyncio
import time
from collections.abc import Sequence

from labctl.api.lab import LabSpec
from labctl.client.client import Client
from labctl.errors import LabError
from labctl.lab import plan
from labctl.lab.progress import Progress

_SECONDS = 10.0
_RETRY_SECONDS = 0.01


async def wait_settled(client: Client, spec: LabSpec, progress: Progress) -> None:
    """Returns when no node has anything left to do.

    A wound that healing is off for never heals, so after some seconds it is only told of.
    """
    deadline = time.monotonic() + _SECONDS
    left = spec.node_names
    while left := await _unsettled(client, spec.name, left):
        if time.monotonic() > deadline:
            for node in left:
                progress.step(f"the network of {node} is not as it should be: labctl plan {node}")
            return
        await asyncio.sleep(_RETRY_SECONDS)


async def _unsettled(client: Client, lab: str, nodes: Sequence[str]) -> tuple[str, ...]:
    try:
        cluster = await plan.read_cluster(client, lab)
    except LabError:  # something is being restarted
        return tuple(nodes)
    return tuple(node for node in nodes if not _is_settled(cluster, node))


def _is_settled(cluster: plan.Cluster, node: str) -> bool:
    try:
        return not cluster.plan(node)
    except (LabError, ValueError):  # the node has no podCIDR yet, or its namespace is being made
        return False
