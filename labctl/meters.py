"""Counters and histograms for hot paths: less than a microsecond an observation.

prometheus_client, which takes 40 ms to import and locks at every step, only writes them out, when
somebody asks.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from prometheus_client import Metric

Labels = tuple[str, ...]

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


class Durations:
    """How often something took how long: the sums of a histogram, for one set of labels."""

    __slots__ = ("counts", "seconds")

    def __init__(self, buckets: int) -> None:
        self.seconds = 0.0
        self.counts = [0] * (buckets + 1)

    def observe(self, bounds: Sequence[float], seconds: float) -> None:
        """`bounds` are the upper ends of the buckets, as many as there are, ascending."""
        self.seconds += seconds
        self.counts[bisect_left(bounds, seconds)] += 1

    def add(self, other: Durations) -> None:
        self.seconds += other.seconds
        self.counts = [
            mine + theirs for mine, theirs in zip(self.counts, other.counts, strict=True)
        ]

    def total(self) -> int:
        return sum(self.counts)


def counter(name: str, text: str, labels: Labels, values: Iterable[tuple[Labels, float]]) -> Metric:
    """`name` without its ending `_total`."""
    from prometheus_client.core import CounterMetricFamily

    family = CounterMetricFamily(name, text, labels=labels)
    for at, value in values:
        family.add_metric(at, value)
    return family


def gauge(name: str, text: str, labels: Labels, values: Iterable[tuple[Labels, float]]) -> Metric:
    from prometheus_client.core import GaugeMetricFamily

    family = GaugeMetricFamily(name, text, labels=labels)
    for at, value in values:
        family.add_metric(at, value)
    return family


def histogram(
    name: str,
    text: str,
    labels: Labels,
    bounds: Sequence[float],
    values: Iterable[tuple[Labels, Durations]],
) -> Metric:
    from prometheus_client.core import HistogramMetricFamily

    family = HistogramMetricFamily(name, text, labels=labels)
    ends = [*map(str, bounds), "+Inf"]
    for at, durations in values:
        below, buckets = 0, []
        for end, count in zip(ends, durations.counts, strict=True):
            below += count
            buckets.append((end, below))
        family.add_metric(at, buckets, durations.seconds)
    return family


def page(families: Iterable[Metric]) -> bytes:
    """The text that Prometheus reads, with what every process tells of itself (process_*)."""
    from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
    from prometheus_client.registry import Collector

    class Families(Collector):
        def collect(self) -> Iterator[Metric]:
            yield from families

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Families())
    ProcessCollector(registry=registry)
    return generate_latest(registry)
