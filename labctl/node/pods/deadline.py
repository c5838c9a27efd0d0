"""spec.activeDeadlineSeconds: how long a pod may be on its node (kubelet: active_deadline.go). Pure."""

from labctl.api.objects import Obj, parse_time

REASON = "DeadlineExceeded"
MESSAGE = "Pod was active on the node longer than the specified deadline"


def time_left(pod: Obj, now: float) -> float | None:
    """Seconds that the pod still may be active, negative if none; None if it may for ever.

    Its time begins when its status first said so; until then, all of it is left.
    """
    limit = pod["spec"].get("activeDeadlineSeconds")
    started = (pod.get("status") or {}).get("startTime")
    if limit is None:
        return None
    if not started:
        return float(limit)
    return float(parse_time(started)) + float(limit) - now


def is_exceeded(pod: Obj, now: float) -> bool:
    left = time_left(pod, now)
    return left is not None and left <= 0
