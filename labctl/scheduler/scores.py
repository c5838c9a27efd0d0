"""Which of the nodes that can take a pod suits it best: one function a wish, 0 to 100 each.

A score function looks at all candidates at once, since most scores are relative to the others.
Weights are those of Kubernetes' default profile.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from labctl.api.taints import tolerates
from labctl.scheduler.nodeinfo import ZONE, NodeInfo
from labctl.scheduler.podinfo import PodInfo

BEST: Final = 100.0
_ZONE_WEIGHT: Final = 2.0 / 3.0  # how much zones count against nodes in default spreading

Nodes = Sequence[NodeInfo]
Score = Callable[[PodInfo, Nodes], list[float]]


def allocation(pod: PodInfo, nodes: Nodes) -> list[float]:
    """More for nodes with more of their CPU and memory left, used to the same degree.

    The mean of Kubernetes' LeastAllocated and BalancedAllocation.
    """
    fractions = [_fractions(pod, node) for node in nodes]
    # The standard deviation of two values is half of their distance.
    return [
        BEST * (2.0 - (cpu + memory) / 2.0 - abs(cpu - memory) / 2.0) / 2.0
        for cpu, memory in fractions
    ]


def taints(pod: PodInfo, nodes: Nodes) -> list[float]:
    """More for nodes with fewer PreferNoSchedule taints that the pod does not tolerate."""
    return _fewest_best([_intolerable(pod, node) for node in nodes])


def node_affinity(pod: PodInfo, nodes: Nodes) -> list[float]:
    """More for nodes that match more of the preferred terms."""
    if not pod.node_affinity.preferred:
        return [0.0] * len(nodes)
    weights = [pod.node_affinity.preference(node.name, node.labels) for node in nodes]
    most = max(weights, default=0)
    return [BEST * weight / most if most else 0.0 for weight in weights]


def spread(pod: PodInfo, nodes: Nodes) -> list[float]:
    """More for nodes, and zones, with fewer replicas of the same owner."""
    counts = [node.groups.get(pod.group, 0) for node in nodes]
    by_node = _fewest_best(counts)
    zones = [node.labels.get(ZONE, "") for node in nodes]
    if not any(zones):
        return by_node
    in_zone: Counter[str] = Counter()
    for zone, count in zip(zones, counts, strict=True):
        in_zone[zone] += count
    by_zone = _fewest_best([in_zone[zone] for zone in zones])
    return [
        (1.0 - _ZONE_WEIGHT) * here + _ZONE_WEIGHT * there if zone else here
        for here, there, zone in zip(by_node, by_zone, zones, strict=True)
    ]


Weighted = Sequence[tuple[Score, float]]

SCORES: Weighted = (
    (taints, 3.0),
    (node_affinity, 2.0),
    (spread, 2.0),
    (allocation, 2.0),
)


def totals(pod: PodInfo, nodes: Nodes, scores: Weighted) -> list[float]:
    """The weighted sum of the scores, for each node."""
    result = [0.0] * len(nodes)
    for score, weight in scores:
        for at, value in enumerate(score(pod, nodes)):
            result[at] += weight * value
    return result


def _fractions(pod: PodInfo, node: NodeInfo) -> tuple[float, float]:
    """How much of the node's CPU and memory would be used with the pod, 0 to 1."""
    return (
        _fraction(node.scored.cpu + pod.scored.cpu, node.capacity.cpu),
        _fraction(node.scored.memory + pod.scored.memory, node.capacity.memory),
    )


def _fraction(used: int, total: int) -> float:
    return min(1.0, used / total) if total else 1.0


def _intolerable(pod: PodInfo, node: NodeInfo) -> int:
    soft = [taint for taint in node.taints if taint["effect"] == "PreferNoSchedule"]
    return sum(not any(tolerates(one, taint) for one in pod.tolerations) for taint in soft)


def _fewest_best(counts: Sequence[int]) -> list[float]:
    most = max(counts, default=0)
    return [BEST * (most - count) / most if most else BEST for count in counts]
