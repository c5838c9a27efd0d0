"""What a lab costs while nothing happens."""

import time

from benchmarks.findings import Findings
from benchmarks.lab import running
from benchmarks.pods import rise
from benchmarks.processor import await_quiet, used
from benchmarks.rows import Row, at_most
from benchmarks.sizes import Sizes

IDLE = Row("idle: {idle_nodes} nodes, {idle_pods} pods, of one core", "%", at_most(3))


def idle(sizes: Sizes, found: Findings) -> None:
    """Longer than a lease lasts, so that every heartbeat is in it."""
    with running(sizes.idle_nodes) as lab:
        rise(lab.client(), "many", sizes.idle_pods)
        await_quiet(lab.pids())
        pids = lab.all_pids()
        before, began = used(pids), time.perf_counter()
        time.sleep(sizes.idle_seconds)
        found.add(IDLE, 100 * (used(pids) - before) / (time.perf_counter() - began))
