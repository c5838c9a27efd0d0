"""How many pods of each crowd are on each node, counted as pods come and go.

A crowd is counted from when a pod first asks for it; most clusters never ask, and pay nothing.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from labctl.scheduler.crowds import Company, Crowd
from labctl.scheduler.podinfo import PodInfo


class Tallies:
    """Counts by crowd, and by the demand of pods in place to be left alone, of pods by node."""

    def __init__(self) -> None:
        self._crowds: dict[Crowd, Counter[str]] = {}
        self._loners: dict[Company, Counter[str]] = {}

    def change(self, pod: PodInfo, node: str, by: int) -> None:
        """A pod came to the node (`by` 1) or left it (-1)."""
        for crowd, counts in self._crowds.items():
            if crowd.has(pod.namespace, pod.labels):
                counts[node] += by
        for company in pod.companies:
            if company.apart and not company.weight:
                self._loners.setdefault(company, Counter())[node] += by

    def count(self, crowd: Crowd, placed: Iterable[tuple[PodInfo, str]]) -> Mapping[str, int]:
        """The crowd by node; `placed` are all pods in place, looked at for a new crowd only."""
        if crowd not in self._crowds:
            self._crowds[crowd] = Counter(
                node for pod, node in placed if crowd.has(pod.namespace, pod.labels)
            )
        return self._crowds[crowd]

    def loners(self, pod: PodInfo) -> list[tuple[Company, Mapping[str, int]]]:
        """Demands of pods in place that this pod stay away, and how many make each, by node."""
        return [
            (company, counts)
            for company, counts in self._loners.items()
            if company.crowd.has(pod.namespace, pod.labels)
        ]
