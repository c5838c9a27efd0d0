"""What disruption budgets say, for those who keep them and those who ask before an eviction (pure)."""

from collections.abc import Iterable, Iterator

from labctl.api.objects import Obj, labels, set_condition
from labctl.api.selectors import from_object

PERMISSION = "DisruptionAllowed"
"""The condition of a budget that says whether a pod may be evicted now."""

TARGET = "DisruptionTarget"
"""The condition of a pod that is about to end by somebody's decision."""


def covering(budgets: Iterable[Obj], pod: Obj) -> Iterator[Obj]:
    """The budgets, all of the pod's namespace, that select it."""
    own = labels(pod)
    for budget in budgets:
        if from_object((budget.get("spec") or {}).get("selector")).matches(own):
            yield budget


def with_permission(status: Obj, generation: int) -> Obj:
    """A budget's status with the condition that goes with its disruptionsAllowed."""
    allowed = status["disruptionsAllowed"] > 0
    told = ("True", "SufficientPods") if allowed else ("False", "InsufficientPods")
    present = status.get("conditions") or ()
    conditions = set_condition(present, PERMISSION, *told, observedGeneration=generation)
    return {**status, "conditions": [{"message": "", **one} for one in conditions]}


def targeted(pod: Obj, reason: str, message: str) -> Obj:
    """The pod with the condition that says why it will end."""
    status = pod.get("status") or {}
    present = status.get("conditions") or ()
    conditions = set_condition(present, TARGET, "True", reason, message)
    return {**pod, "status": {**status, "conditions": conditions}}
