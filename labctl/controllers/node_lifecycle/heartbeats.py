"""When each node was last heard of, by this process' own clock.

Clocks of nodes are not believed: that a Lease or a status changed is the sign of life, not what it
says of the time. A controller that was just started gives every node the full grace time.
"""

from labctl.api.objects import Obj, condition


class Heartbeats:
    """Seconds of a monotonic clock, by node name."""

    def __init__(self) -> None:
        self._heard: dict[str, float] = {}

    def lease_changed(self, old: Obj | None, new: Obj, now: float) -> None:
        """`new` is the node's Lease."""
        if old is None or _renewed(old) != _renewed(new):
            self._heard[new["metadata"]["name"]] = now

    def node_changed(self, old: Obj | None, new: Obj, now: float) -> None:
        """A node that is seen first, or that reported its own status."""
        at = new["metadata"]["name"]
        if old is None or (_reported(old) != _reported(new) and not _is_silent(new)):
            self._heard[at] = now

    def forget(self, node: str) -> None:
        self._heard.pop(node, None)

    def all_heard(self, now: float) -> None:
        """Starts every node's time anew."""
        self._heard = dict.fromkeys(self._heard, now)

    def silence(self, node: str, now: float) -> float:
        """For how many seconds the node was not heard of."""
        return now - self._heard.setdefault(node, now)


def _renewed(lease: Obj) -> str:
    return (lease.get("spec") or {}).get("renewTime") or ""


def _reported(node: Obj) -> tuple[str, ...]:
    ready = condition(node, "Ready") or {}
    return (ready.get("status", ""), ready.get("lastHeartbeatTime", ""))


def _is_silent(node: Obj) -> bool:
    """Whether the status is what this controller itself writes about silent nodes."""
    ready = condition(node, "Ready")
    return ready is not None and ready["status"] == "Unknown"
