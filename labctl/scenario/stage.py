"""Where the steps of a scenario take place, and how they look at it."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field

from labctl.api.lab import LabSpec
from labctl.api.objects import Obj
from labctl.api.resource import Resource
from labctl.client.cache import Cache
from labctl.client.client import Client
from labctl.errors import LabError
from labctl.lab.places import Place, find_place, find_pod

NAMESPACE = "default"  # of objects that a scenario names without one


class Failed(LabError):
    """An expectation that did not come true: the answer is no."""


@dataclass(frozen=True)
class Stage:
    """A lab that is up, and a client of its API; `memories` are what steps remember of pods."""

    spec: LabSpec
    client: Client
    memories: dict[str, dict[str, str]] = field(default_factory=dict)

    async def place(self, word: str) -> Place:
        return await find_place(self.client, self.spec.name, word, NAMESPACE)

    async def pod(self, word: str) -> Obj:
        return await find_pod(self.client, word, NAMESPACE)

    async def until(
        self,
        resource: Resource,
        judge: Callable[[list[Obj]], str],
        *,
        labels: str = "",
        fields: str = "",
        seconds: float,
    ) -> None:
        """Returns once `judge` finds nothing wrong with the objects; watched, not polled.

        Raises Failed with the last thing that was wrong.
        """
        space = NAMESPACE if resource.namespaced else ""
        wrong = "nothing was listed"
        try:
            async with asyncio.timeout(seconds):
                cache = Cache(self.client, resource, space, labels=labels, fields=fields)
                async for objects in _states(cache):
                    wrong = judge(objects)
                    if not wrong:
                        return
        except TimeoutError:
            raise Failed(f"{wrong} (after {seconds:g} s)") from None


async def _states(cache: Cache) -> AsyncGenerator[list[Obj], None]:
    """The cache's objects, now and after every change."""
    changed = asyncio.Event()
    cache.subscribe(lambda _old, _new: changed.set())
    following = asyncio.create_task(cache.run())
    try:
        await cache.synced()
        while True:
            changed.clear()
            yield list(cache.objects.values())
            await changed.wait()
    finally:
        following.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await following
