"""Waiting in tests: for the thing itself, with a deadline."""

import time
from collections.abc import Callable
from threading import Event

_never = Event()
_SHORTEST, _LONGEST = 0.01, 0.1  # between two looks, in seconds


def until(holds: Callable[[], object], seconds: float = 10.0) -> None:
    """Returns as soon as `holds()` is true; AssertionError after `seconds`.

    Between two looks as much time goes by as one takes, so that whoever is waited for has the
    processor too: many a look is a process.
    """
    deadline = time.monotonic() + seconds
    while True:
        began = time.monotonic()
        if holds():
            return
        ended = time.monotonic()
        assert ended < deadline, f"not within {seconds:g} s"
        _never.wait(min(max(_SHORTEST, ended - began), _LONGEST))
