"""One question to etcd for all who want to know the same at once."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable


class Shared:
    """Asks at most once at a time. An answer is never older than the call that gets it.

    Who calls while a question is under way cannot have its answer, which may be of the moment
    before; all of them share the next one.
    """

    def __init__(self, ask: Callable[[], Awaitable[int]]) -> None:
        self._ask = ask
        self._current: asyncio.Task[int] | None = None
        self._next: asyncio.Task[int] | None = None

    async def __call__(self) -> int:
        if self._next is None:
            self._next = asyncio.create_task(self._run(self._current))
            self._next.add_done_callback(look_at)
        return await asyncio.shield(self._next)

    async def _run(self, before: asyncio.Task[int] | None) -> int:
        if before is not None:
            await asyncio.wait({before})
        self._current, self._next = self._next, None
        return await self._ask()


def look_at(task: asyncio.Task[int]) -> None:
    """Whoever asked may have gone away; nobody need be told of a failure then."""
    with contextlib.suppress(asyncio.CancelledError):
        task.exception()
