"""Waiting in tests: for the thing itself, with a deadline."""

import time
from collections.abc import Callable
from threading import Event

_never = Event()


def until(holds: Callable[[], object], seconds: float = 10.0) -> None:
    """Returns as soon as `holds()` is true; AssertionError after `seconds`."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not within {seconds:g} s"
        _never.wait(0.01)
