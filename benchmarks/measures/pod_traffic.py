"""TCP from pod to pod against the same topology made by hand, in turns, so that both see the same machine."""

import asyncio
from collections.abc import Callable
from contextlib import ExitStack

from benchmarks import by_hand
from benchmarks.findings import Findings
from benchmarks.lab import Lab, running
from benchmarks.pods import DEADLINE
from benchmarks.rows import Row, at_least
from benchmarks.sizes import Sizes
from benchmarks.traffic import Ends, request_rate, throughput
from labctl.api.kinds.core import PODS
from labctl.api.objects import Obj, is_condition_true
from labctl.client.client import Client
from labctl.client.wait import wait_for
from labctl.lab.places import Place, pod_place

_PATHS = ("same node", "host-gw", "vxlan")
_KINDS = {"throughput": throughput, "request rate": request_rate}
_UNITS = {"throughput": "Gbit/s", "request rate": "/s"}

RATIOS = {
    (kind, path): Row(f"pod to pod, {path}: {kind} / made by hand", "×", at_least(0.97))
    for kind in _KINDS
    for path in _PATHS
}
THROUGHPUT = {path: Row(f"pod to pod, {path}: throughput", "Gbit/s") for path in _PATHS}
RATE = {path: Row(f"pod to pod, {path}: request rate", "/s") for path in _PATHS}


def pod_traffic(sizes: Sizes, found: Findings) -> None:
    for backend in ("host-gw", "vxlan"):
        with running(2, "--backend", backend) as lab, ExitStack() as stack:
            here, near, far = asyncio.run(_pods(lab))
            if backend == "host-gw":
                hand = stack.enter_context(by_hand.same_node())
                _compare("same node", _ends(here, near), hand, sizes, found)
            hand = stack.enter_context(by_hand.two_nodes(backend))
            _compare(backend, _ends(here, far), hand, sizes, found)


def _compare(path: str, ours: Ends, hand: Ends, sizes: Sizes, found: Findings) -> None:
    for kind, measure in _KINDS.items():
        absolute = THROUGHPUT if kind == "throughput" else RATE
        for number in range(sizes.slices):
            mine, other = _in_turn(measure, ours, hand, sizes.slice_ms / 1000, number)
            found.add(RATIOS[kind, path], mine / other)
            found.add(absolute[path], mine)


def _in_turn(
    measure: Callable[[Ends, float], float], ours: Ends, hand: Ends, seconds: float, number: int
) -> tuple[float, float]:
    """Both, the first of which is another one each time."""
    if number % 2:
        other = measure(hand, seconds)
        return measure(ours, seconds), other
    mine = measure(ours, seconds)
    return mine, measure(hand, seconds)


def _ends(client: Place, server: Place) -> Ends:
    return Ends(client.path, server.path, server.ip)


async def _pods(lab: Lab) -> list[Place]:
    """Two pods on the first node and one on the second."""
    client = lab.client()
    nodes = {"here": "node1", "near": "node1", "far": "node2"}
    return [pod_place(lab.name, await _pod(client, name, node)) for name, node in nodes.items()]


async def _pod(client: Client, name: str, node: str) -> Obj:
    container = {"name": "main", "image": "example/none:1"}
    pod: Obj = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"nodeName": node, "containers": [container]},
    }
    await client.create(PODS, pod)

    def is_ready(obj: Obj | None) -> bool:
        return obj is not None and is_condition_true(obj, "Ready")

    return await wait_for(client, PODS, name, "default", is_ready, DEADLINE) or {}
