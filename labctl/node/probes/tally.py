"""Counting outcomes: what a run of them says once it is as long as the threshold."""

from dataclasses import dataclass, replace

from labctl.node.probes.probe import Outcome, Probe


@dataclass(frozen=True, slots=True)
class Tally:
    """`verdict` is None until a threshold was reached for the first time."""

    verdict: bool | None = None
    last: bool | None = None
    run: int = 0

    def counted(self, probe: Probe, outcome: Outcome) -> "Tally":
        """The tally with one more outcome; a verdict holds until a run of the other kind is full."""
        run = self.run + 1 if outcome.healthy is self.last else 1
        full = run >= (probe.successes if outcome.healthy else probe.failures)
        counted = replace(self, last=outcome.healthy, run=run)
        return replace(counted, verdict=outcome.healthy) if full else counted
