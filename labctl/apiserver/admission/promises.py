"""What was given out and is not seen in the cache yet, so that it is not given out twice.

Whoever was promised something may come again for it: an attempt can fail after the promise.
"""

from collections.abc import Set as AbstractSet
from typing import Generic, TypeVar

T = TypeVar("T")

_PATIENCE = 1000  # revisions after which a promise was kept, or never will be


class Promises(Generic[T]):
    """Values on their way into the store, with whom they are for."""

    def __init__(self) -> None:
        self._given: dict[T, tuple[str, int]] = {}

    def give(self, value: T, holder: str, revision: int) -> None:
        """`revision` is that of the cache at this moment."""
        self._given[value] = (holder, revision)

    def to_others(self, holder: str, revision: int, present: AbstractSet[T]) -> set[T]:
        """What is promised to anybody else; `present` is what the cache has by now."""
        self._given = {
            value: (one, since)
            for value, (one, since) in self._given.items()
            if value not in present and revision < since + _PATIENCE
        }
        return {value for value, (one, _) in self._given.items() if one != holder}
