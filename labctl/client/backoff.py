"""How long to wait before trying again: doubling, with a limit, forgotten on success."""


class Backoff:
    """`next()` is the seconds to wait after one more failure in a row."""

    def __init__(self, first: float, limit: float) -> None:
        self._first = first
        self._limit = limit
        self.failures = 0

    def next(self) -> float:
        seconds = min(self._first * 2.0 ** min(self.failures, 32), self._limit)
        self.failures += 1
        return seconds

    def reset(self) -> None:
        self.failures = 0
