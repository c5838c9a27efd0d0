"""How many pods are Ready, of all that belong to what somebody waits for."""

from labctl.api.objects import Obj, is_condition_true
from labctl.lab.progress import Progress


class PodCount:
    """Adds up over several objects, and tells whenever the sum has changed."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._counts: dict[str, tuple[int, int]] = {}

    def see(self, label: str, obj: Obj | None) -> None:
        """The object of that label as it is now; None where there is none."""
        count = pods_ready(obj) if obj is not None else None
        if count is None or self._counts.get(label) == count:
            return
        self._counts[label] = count
        ready, wanted = map(sum, zip(*self._counts.values(), strict=True))
        self._progress.count("pods Ready", ready, wanted)


def pods_ready(obj: Obj) -> tuple[int, int] | None:
    """(Ready, wanted) of a pod's or a workload's pods; None of what has none."""
    status = obj.get("status") or {}
    if obj.get("kind") == "Pod":
        return int(is_condition_true(obj, "Ready")), 1
    if obj.get("kind") == "DaemonSet":
        return status.get("numberReady", 0), status.get("desiredNumberScheduled", 0)
    wanted = (obj.get("spec") or {}).get("replicas")
    if not isinstance(wanted, int):
        return None
    return min(status.get("readyReplicas", 0), wanted), wanted
