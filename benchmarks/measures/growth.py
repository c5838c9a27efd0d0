"""Whether cost grows with size: few pods against many, and a node that is added to many."""

import asyncio

from benchmarks.findings import Findings
from benchmarks.lab import Lab, running
from benchmarks.pods import rise
from benchmarks.processor import await_quiet
from benchmarks.rows import Row, at_most
from benchmarks.sizes import Sizes
from labctl.api.kinds.core import NAMESPACES

SLOPE = Row(
    "cost of a pod at {many_pods:,} pods and {many_nodes} nodes / {few_pods:,} and {few_nodes}",
    "×",
    at_most(1.3),
)
UP_MANY = Row("`labctl up` of {many_nodes} nodes, to all Ready", "s", at_most(3))
WRITES = Row(
    "a node added to {many_nodes} with {many_pods:,} pods: objects written, per node there is",
    "",
    at_most(3),
)


def growth(sizes: Sizes, found: Findings) -> None:
    with running(sizes.few_nodes) as lab:
        few = _a_pod(lab, sizes.few_pods)
    with running(sizes.many_nodes) as lab:
        many = _a_pod(lab, sizes.many_pods)
        await_quiet(lab.pids())  # events are told with delay
        before = _revision(lab)
        lab.command("up", "--nodes", str(sizes.many_nodes + 1))
        written = _revision(lab) - before
        up = lab.up_seconds
    found.add(SLOPE, many / few)
    found.add(UP_MANY, up)
    found.add(WRITES, written / sizes.many_nodes)


def _a_pod(lab: Lab, pods: int) -> float:
    return rise(lab.client(), "many", pods)[-1][0] / pods


def _revision(lab: Lab) -> int:
    """How many writes the store has seen: every write is a revision, whatever of."""
    return int(asyncio.run(lab.client().list(NAMESPACES)).resource_version)
