"""The agent's `/metrics`, in a kubelet's names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from labctl.meters import gauge, histogram, page
from labctl.node.pods.mirror import RuntimeMirror
from labctl.node.stats.starts import SECONDS, PodStarts

if TYPE_CHECKING:
    from prometheus_client import Metric


def metrics(node: str, mirror: RuntimeMirror, starts: PodStarts) -> bytes:
    """The page as text."""
    return page(_families(node, mirror, starts))


def _families(node: str, mirror: RuntimeMirror, starts: PodStarts) -> Iterator[Metric]:
    sandboxes = mirror.all_sandboxes()
    states = Counter(container.state for at in mirror.uids() for container in mirror.containers(at))
    running = sum(one.state == "ready" for one in sandboxes)
    yield gauge("kubelet_node_name", "The node's name. Always 1.", ("node",), [((node,), 1)])
    yield gauge("kubelet_running_pods", "Pods that have a running sandbox.", (), [((), running)])
    yield gauge(
        "kubelet_running_containers",
        "Containers by their state.",
        ("container_state",),
        [((state,), number) for state, number in sorted(states.items())],
    )
    yield histogram(
        "kubelet_pod_start_duration_seconds",
        "Time from when the node first heard of a pod until it ran.",
        (),
        SECONDS,
        [((), starts.durations)],
    )
