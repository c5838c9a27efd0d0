"""How long pods take to start, from when the node first hears of them until they run."""

import time
from typing import Final

from labctl.api.objects import Obj, uid
from labctl.meters import Durations

SECONDS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)


class PodStarts:
    """Listens to the watch of the node's pods."""

    def __init__(self) -> None:
        self.durations = Durations(len(SECONDS))
        self._since: dict[str, float] = {}

    def watched(self, old: Obj | None, new: Obj | None) -> None:
        """A change of a pod, as the API shows it."""
        if new is None:
            self._since.pop(uid(old or {}), None)
            return
        phase, at = (new.get("status") or {}).get("phase"), uid(new)
        if phase == "Pending":
            self._since.setdefault(at, time.monotonic())
        elif (since := self._since.pop(at, None)) is not None and phase == "Running":
            self.durations.observe(SECONDS, time.monotonic() - since)
