"""What may stay of pods that are gone, and whether that is all: pure.

Events are kept for an hour, as Kubernetes keeps them, and the store's history for five to ten
minutes; so control plane and store grow with the pods of the last hour and the last minutes, and no
further. An agent remembers what it told of the last 4096 pods. All else is as it was before.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from benchmarks.soak.gauges import Reading

MIB = 1 << 20
_HISTORY = 12 << 10  # bytes of the store for all that was ever written of one pod
_WARM = 4  # the first quarter of the rounds fills what is bounded by itself


@dataclass(frozen=True)
class Bound:
    """How much a gauge may grow from the end of the first quarter on: at all, and by 1,000 pods."""

    name: str
    gauge: Callable[[Reading], float]
    fixed: float
    by_thousand: float
    unit: float = 1


BOUNDS = (
    Bound("control plane, PSS (MiB)", lambda r: r.pss["control-plane"], 8, 7, MIB),
    Bound("agents, PSS (MiB each)", lambda r: r.pss["agents"] / r.agents, 3, 0.4, MIB),
    Bound("runtime, PSS (MiB)", lambda r: r.pss["runtime"], 4, 0, MIB),
    Bound("supervisor, PSS (MiB)", lambda r: r.pss["supervisor"], 2, 0, MIB),
    Bound("descriptors", lambda r: r.descriptors.total(), 10, 0),
    Bound("threads", lambda r: r.threads.total(), 4, 0),
    Bound("processes", lambda r: r.processes, 0, 0),
    Bound("namespaces", lambda r: r.namespaces, 0, 0),
    Bound("kernel memory (MiB)", lambda r: r.kernel, 2, 0.1, MIB),
    Bound("store without history (MiB)", lambda r: r.store - _HISTORY * r.recent, 12, 4, MIB),
)


@dataclass(frozen=True)
class Growth:
    """What became of one gauge between two readings."""

    bound: Bound
    before: float
    after: float
    allowed: float

    @property
    def is_within(self) -> bool:
        return self.after - self.before <= self.allowed


def judge(readings: Sequence[Reading], bounds: Sequence[Bound] = BOUNDS) -> Iterator[Growth]:
    """The first reading is that before the first round."""
    warm, last = readings[max(1, len(readings) // _WARM)], readings[-1]
    thousands = (last.pods - warm.pods) / 1000
    for bound in bounds:
        before, after = bound.gauge(warm) / bound.unit, bound.gauge(last) / bound.unit
        yield Growth(bound, before, after, bound.fixed + bound.by_thousand * thousands)
