"""What a controller has asked for and its cache has not shown yet.

A controller that acts on a cache would act twice before the watch tells of its own writes. So it
notes what it expects, and does not act on that key again until all of it was seen, or until it is
so old that the note must be wrong (client-go's controller expectations).
"""

from dataclasses import dataclass, field
from typing import Final

_STALE_SECONDS: Final = 300.0


@dataclass
class _Expected:
    since: float
    creations: int = 0
    deletions: set[str] = field(default_factory=set)


class Expectations:
    """By the controller's key: how many creations, and which deletions (by UID), are to be seen."""

    def __init__(self) -> None:
        self._expected: dict[str, _Expected] = {}

    def expect_creations(self, key: str, count: int, now: float) -> None:
        self._expected[key] = _Expected(now, creations=count)

    def expect_deletions(self, key: str, uids: set[str], now: float) -> None:
        self._expected[key] = _Expected(now, deletions=uids)

    def saw_creation(self, key: str, count: int = 1) -> None:
        """Creations were seen, or failed and will never be."""
        expected = self._expected.get(key)
        if expected is not None:
            expected.creations -= count

    def saw_deletion(self, key: str, uid: str) -> None:
        expected = self._expected.get(key)
        if expected is not None:
            expected.deletions.discard(uid)

    def forget(self, key: str) -> None:
        self._expected.pop(key, None)

    def satisfied(self, key: str, now: float) -> bool:
        """Whether the controller may act on `key`; `now` in seconds of a monotonic clock."""
        expected = self._expected.get(key)
        if expected is None or now - expected.since > _STALE_SECONDS:
            return True
        return expected.creations <= 0 and not expected.deletions
