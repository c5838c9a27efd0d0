"""How long the supervisor waits before it starts a process again."""

from labctl.lab.roster import restart_delay


def test_the_first_restart_is_immediate_and_three_deaths_are_mended_within_a_second() -> None:
    assert restart_delay(0) == 0
    assert sum(restart_delay(failures) for failures in range(3)) < 1


def test_a_process_that_never_comes_up_is_tried_ever_more_rarely() -> None:
    delays = [restart_delay(failures) for failures in range(20)]
    assert delays == sorted(delays)
    assert delays[-1] == 10
