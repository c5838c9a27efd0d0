"""How long a container that crashes again and again has to wait."""

from labctl.node.pods.crash_backoff import CrashBackoff


def test_the_delay_doubles_from_ten_seconds_to_five_minutes() -> None:
    backoff, now, delays = CrashBackoff(), 1000.0, []
    for _ in range(8):
        delays.append(backoff.delay("uid", "web", now))
        backoff.restarted("uid", "web", now, now + delays[-1])
        now += delays[-1] + 1
    assert delays == [0, 10, 20, 40, 80, 160, 300, 300]


def test_a_container_that_held_for_ten_minutes_starts_over() -> None:
    backoff = CrashBackoff()
    for _ in range(3):
        backoff.restarted("uid", "web", 1000.0, 1000.0)
    assert backoff.delay("uid", "web", 1599.0) == 40
    assert backoff.delay("uid", "web", 1601.0) == 0


def test_containers_and_pods_do_not_share_delays() -> None:
    backoff = CrashBackoff()
    backoff.restarted("uid", "web", 1000.0, 1000.0)
    assert backoff.delay("uid", "log", 1001.0) == 0
    assert backoff.delay("other", "web", 1001.0) == 0
    backoff.forget("uid")
    assert backoff.delay("uid", "web", 1001.0) == 0
