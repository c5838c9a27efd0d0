"""What a node's state means for its pods' status: a pod that nobody hears of is not ready."""

from labctl.api.objects import Obj, condition, format_time
from labctl.controllers.pods import is_finished


def unready(pod: Obj, now: float) -> Obj | None:
    """The strategic merge patch of the status; None if the pod is not ready anyway."""
    ready = condition(pod, "Ready")
    if is_finished(pod) or ready is None or ready["status"] != "True":
        return None
    changed = {"type": "Ready", "status": "False", "lastTransitionTime": format_time(now)}
    return {"status": {"conditions": [changed]}}
