"""One `up` or `down` of a lab at a time, and no file left."""

import multiprocessing
import os
from multiprocessing.synchronize import Event

from labctl.lab.lock import lock, lock_file
from labctl.lab.progress import Silence
from tests.waiting import until

_fork = multiprocessing.get_context("fork")


def _hold(lab: str, held: Event, release: Event) -> None:
    with lock(lab, Silence()):
        held.set()
        release.wait(10)


def start(lab: str) -> tuple[multiprocessing.process.BaseProcess, Event, Event]:
    held, release = _fork.Event(), _fork.Event()
    process = _fork.Process(target=_hold, args=(lab, held, release))
    process.start()
    return process, held, release


def test_the_second_waits_for_the_first_and_the_file_goes_with_the_last() -> None:
    lab = f"lock{os.getpid()}"
    first, first_held, first_release = start(lab)
    assert first_held.wait(5)
    second, second_held, second_release = start(lab)
    assert not second_held.wait(0.1)
    first_release.set()
    assert second_held.wait(5)
    assert lock_file(lab).exists()
    second_release.set()
    first.join(5)
    second.join(5)
    assert not lock_file(lab).exists()


def test_the_lock_ends_with_a_holder_that_is_killed() -> None:
    lab = f"lock{os.getpid()}"
    holder, held, _ = start(lab)
    assert held.wait(5)
    holder.kill()
    holder.join(5)
    with lock(lab, Silence()):
        assert lock_file(lab).exists()
    until(lambda: not lock_file(lab).exists())
