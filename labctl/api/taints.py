"""Taints and tolerations: which pods a node turns away, or sends away after a while.

Shared by the scheduler (NoSchedule, PreferNoSchedule) and by eviction (NoExecute).
"""

from collections.abc import Iterable, Sequence
from typing import Final

from labctl.api.objects import Obj

NOT_READY: Final = "node.kubernetes.io/not-ready"
UNREACHABLE: Final = "node.kubernetes.io/unreachable"
UNSCHEDULABLE: Final = "node.kubernetes.io/unschedulable"
OUT_OF_SERVICE: Final = "node.kubernetes.io/out-of-service"


def tolerates(toleration: Obj, taint: Obj) -> bool:
    """Whether this toleration is for this taint: an empty key, effect or value range is any."""
    if toleration.get("effect") not in (None, "", taint["effect"]):
        return False
    if toleration.get("key") not in (None, "", taint["key"]):
        return False
    if toleration.get("operator", "Equal") == "Exists":
        return True
    same: bool = (toleration.get("value") or "") == (taint.get("value") or "")
    return same and bool(toleration.get("key"))


def untolerated(
    taints: Iterable[Obj], tolerations: Sequence[Obj], effects: Iterable[str]
) -> Obj | None:
    """The first taint with one of these effects that nothing tolerates."""
    return next(
        (
            taint
            for taint in taints
            if taint["effect"] in effects and not any(tolerates(one, taint) for one in tolerations)
        ),
        None,
    )


def stay(taints: Iterable[Obj], tolerations: Sequence[Obj]) -> float | None:
    """How many seconds a pod may stay on a node with these NoExecute taints; None is for ever.

    0 when a taint is not tolerated at all; else the least tolerationSeconds of those tolerations
    that apply (GetMinTolerationTime of Kubernetes).
    """
    executing = [taint for taint in taints if taint["effect"] == "NoExecute"]
    if untolerated(executing, tolerations, ("NoExecute",)) is not None:
        return 0.0
    limits = [
        max(0.0, float(one["tolerationSeconds"]))
        for one in tolerations
        if one.get("tolerationSeconds") is not None
        and any(tolerates(one, taint) for taint in executing)
    ]
    return min(limits, default=None)
