"""What ran before `up` began, to tell the processes that it started from those that were there."""

import time
from dataclasses import dataclass

from labctl.lab import diagnosis, processes


@dataclass(frozen=True)
class Former:
    """The lab's processes at a moment (seconds of the epoch), and how often each was restarted."""

    moment: float
    running: frozenset[str]
    restarts: dict[str, int]

    @classmethod
    def of(cls, lab: str) -> "Former":
        return cls(time.time(), _running(lab), diagnosis.restarts(lab))

    def started_since(self, lab: str) -> frozenset[str]:
        """The names of the processes that run now and did not then."""
        return _running(lab) - self.running


def _running(lab: str) -> frozenset[str]:
    recorded = processes.read_record(lab).processes
    return frozenset(process.name for process in recorded if processes.is_alive(process))
