"""Which pods go first when a ReplicaSet shrinks: those whose loss is felt least.

The order is Kubernetes' (controller_utils.go, ActivePodsWithRanks): not yet on a node, not running,
not ready, cheaper by annotation, with more siblings on its node, ready for a shorter time, more
often restarted, newer. Times are compared by the magnitude of their age, so that among pods of
about the same age it is not always the newest that goes; the UID decides then.
"""

import math
from collections import Counter
from collections.abc import Iterable
from typing import Final

from labctl.api.objects import Obj, annotations, parse_time, uid
from labctl.controllers.pods import is_active, node_name, phase, ready_since, restarts

DELETION_COST: Final = "controller.kubernetes.io/pod-deletion-cost"

_PHASES: Final = {"Pending": 0, "Unknown": 1, "Running": 2}

Rank = tuple[bool, int, bool, int, int, int, int, int, str]


def victims(pods: Iterable[Obj], count: int, siblings: Iterable[Obj], now: float) -> list[Obj]:
    """The `count` of `pods` to delete.

    `siblings` are the pods of all ReplicaSets with the same owner, these included; `now` is in
    epoch seconds.
    """
    on_node = Counter(node_name(pod) for pod in siblings if is_active(pod))
    ranked = sorted(pods, key=lambda pod: rank(pod, on_node[node_name(pod)], now))
    return ranked[:count]


def rank(pod: Obj, siblings_on_node: int, now: float) -> Rank:
    """A sort key: lower goes first."""
    since = ready_since(pod)
    return (
        bool(node_name(pod)),
        _PHASES.get(phase(pod), 0),
        since is not None,
        deletion_cost(pod),
        -siblings_on_node,
        -1 if since is None else _magnitude(now - since),
        -restarts(pod),
        _magnitude(now - parse_time(pod["metadata"]["creationTimestamp"])),
        uid(pod),
    )


def deletion_cost(pod: Obj) -> int:
    """The annotation's number; 0 where it is absent or no number."""
    try:
        return int(annotations(pod).get(DELETION_COST, "0"))
    except ValueError:
        return 0


def _magnitude(age: float) -> int:
    """The age in powers of two of nanoseconds, as Kubernetes' LogarithmicScaleDown."""
    return int(math.log2(age * 1e9)) if age > 0 else -1
