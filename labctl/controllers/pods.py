"""What controllers ask of a Pod: pure predicates, as in Kubernetes' api/v1/pod."""

from collections.abc import Iterable

from labctl.api.objects import Obj, condition, is_deleting, parse_time

_FINISHED = ("Succeeded", "Failed")


def phase(pod: Obj) -> str:
    return str((pod.get("status") or {}).get("phase") or "Pending")


def node_name(pod: Obj) -> str:
    return pod["spec"].get("nodeName") or ""


def is_finished(pod: Obj) -> bool:
    return phase(pod) in _FINISHED


def is_active(pod: Obj) -> bool:
    """Whether it counts as a replica: neither finished nor on its way out."""
    return not is_finished(pod) and not is_deleting(pod)


def is_ready(pod: Obj) -> bool:
    ready = condition(pod, "Ready")
    return ready is not None and ready.get("status") == "True"


def ready_since(pod: Obj) -> float | None:
    """When it became Ready (epoch seconds); None while it is not."""
    ready = condition(pod, "Ready")
    if ready is None or ready.get("status") != "True":
        return None
    return parse_time(ready["lastTransitionTime"])


def is_available(pod: Obj, min_ready_seconds: int, now: float) -> bool:
    """Ready for at least `min_ready_seconds`."""
    if min_ready_seconds == 0:
        return is_ready(pod)
    since = ready_since(pod)
    return since is not None and since + min_ready_seconds <= now


def next_availability(
    ready: Iterable[float | None], min_ready_seconds: int, now: float
) -> float | None:
    """In how many seconds the next pod will have been ready for `min_ready_seconds`.

    `ready` tells since when each is, by `ready_since`.
    """
    if not min_ready_seconds:
        return None
    times = [since + min_ready_seconds - now for since in ready if since]
    return min((seconds for seconds in times if seconds > 0), default=None)


def restarts(pod: Obj) -> int:
    """The most restarts of any of its containers."""
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    return max((status.get("restartCount", 0) for status in statuses), default=0)
