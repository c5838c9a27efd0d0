"""Counters and histograms, and the text that is made of them."""

from labctl.meters import Durations, counter, gauge, histogram, page


def test_a_histogram_counts_what_is_at_most_its_bound() -> None:
    bounds = (1.0, 2.0)
    durations = Durations(len(bounds))
    for seconds in (0.5, 1.0, 1.5, 9.0):
        durations.observe(bounds, seconds)
    assert (durations.counts, durations.seconds, durations.total()) == ([2, 1, 1], 12.0, 4)
    other = Durations(len(bounds))
    other.add(durations)
    other.add(durations)
    assert other.counts == [4, 2, 2]


def test_a_page_is_what_prometheus_reads() -> None:
    durations = Durations(1)
    durations.observe((1.0,), 0.5)
    text = page(
        [
            counter("seen", "Seen.", ("what",), [(('a "b"',), 3)]),
            gauge("open", "Open.", (), [((), 2)]),
            histogram("took_seconds", "Took.", (), (1.0,), [((), durations)]),
        ]
    ).decode()
    for line in (
        '# TYPE seen_total counter\nseen_total{what="a \\"b\\""} 3.0',
        "# TYPE open gauge\nopen 2.0",
        'took_seconds_bucket{le="1.0"} 1.0',
        'took_seconds_bucket{le="+Inf"} 1.0',
        "took_seconds_sum 0.5",
    ):
        assert line in text
    assert "process_start_time_seconds" in text
