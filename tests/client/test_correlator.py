"""Events stay few: repeats are counted, many alike are combined, and nobody may tell too much."""

from labctl.client.correlator import Correlator, Occurrence, Record

_POD = ("Pod", "default", "web", "uid")


def _correlator() -> Correlator:
    names = iter(range(10_000))
    return Correlator(lambda subject: f"{subject[2]}.{next(names)}")


def _told(message: str, when: float = 0.0, reason: str = "Killing") -> Occurrence:
    return Occurrence(_POD, "Normal", reason, message, when)


def test_the_same_event_again_is_counted() -> None:
    correlator = _correlator()
    assert correlator.correlate(_told("m", 1.0)) == Record("web.0", "m", 1, 1.0, 1.0)
    assert correlator.correlate(_told("m", 5.0)) == Record("web.0", "m", 2, 1.0, 5.0)


def test_another_message_or_reason_is_another_event() -> None:
    correlator = _correlator()
    correlator.correlate(_told("a"))
    other = correlator.correlate(_told("b"))
    third = correlator.correlate(_told("a", reason="Started"))
    assert other is not None
    assert third is not None
    assert (other.name, other.count, third.name, third.count) == ("web.1", 1, "web.2", 1)


def test_many_alike_are_combined_from_the_tenth_on() -> None:
    correlator = _correlator()
    records = [correlator.correlate(_told(f"Created pod: {n}")) for n in range(12)]
    messages = [record.message for record in records if record is not None]
    assert messages[:9] == [f"Created pod: {n}" for n in range(9)]
    assert messages[9:] == [
        f"(combined from similar events): Created pod: {n}" for n in (9, 10, 11)
    ]
    names = [record.name for record in records if record is not None]
    assert len(set(names[9:])) == 1
    assert [record.count for record in records if record is not None][9:] == [1, 2, 3]


def test_messages_told_long_ago_are_not_combined_with() -> None:
    correlator = _correlator()
    for number in range(9):
        correlator.correlate(_told(f"m{number}"))
    late = correlator.correlate(_told("new", when=601.0))
    assert late is not None
    assert late.message == "new"


def test_one_object_tells_25_events_and_then_one_in_five_minutes() -> None:
    correlator = _correlator()
    told = [correlator.correlate(_told("m", when=float(n))) for n in range(40)]
    assert sum(one is not None for one in told) == 25
    assert correlator.correlate(_told("m", when=200.0)) is None
    assert correlator.correlate(_told("m", when=340.0)) is not None
    other = Occurrence(("Pod", "default", "db", "u2"), "Normal", "Killing", "m", 40.0)
    assert correlator.correlate(other) is not None
