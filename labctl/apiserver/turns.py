"""Large requests take turns, so that no other ever waits for more than one of them.

What a request costs grows with the object that it sends or changes, and while it is worked on, nobody
else is. One of the largest takes a tenth of a second; a hundred that came at once would be ten
seconds in one go. So there is one at a time, and after it as long a pause for all others.
"""

import asyncio
from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import TypeVar

_LARGE = 16 * 1024  # bytes; no more than 25 ms of work
_LONGEST_PAUSE = 0.5  # seconds

Result = TypeVar("Result")


class Turns:
    """Whose turn it is."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()

    async def take(self, size: int, work: Callable[[], Awaitable[Result]]) -> Result:
        """The result of work on so many bytes."""
        if size < _LARGE:
            return await work()
        await self._turn.acquire()
        began = perf_counter()
        try:
            return await work()
        finally:
            pause = min(perf_counter() - began, _LONGEST_PAUSE)
            asyncio.get_running_loop().call_later(pause, self._turn.release)
