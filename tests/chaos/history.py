"""The log of a lab while it is walked through: watches that go on where they were when cut off."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, contextmanager

from labctl.api.kinds.apps import DEPLOYMENTS, REPLICASETS
from labctl.api.kinds.core import PODS
from labctl.api.resource import Resource
from labctl.client.client import Client
from labctl.errors import NoSuchLab, StatusError
from labctl.lab import connect
from tests.chaos.model import Change, revision

_KINDS = (PODS, REPLICASETS, DEPLOYMENTS)
_AGAIN_SECONDS = 0.1


class History:
    """What the watches told so far."""

    def __init__(self, lab: str) -> None:
        self._lab = lab
        self._told: dict[str, list[Change]] = {kind.kind: [] for kind in _KINDS}
        self._end = asyncio.Event()

    def log(self) -> list[Change]:
        """All kinds by revision, each as it was told: a watch that fell back shows."""
        lines: list[tuple[int, Change]] = []
        for told in self._told.values():
            reached = 0
            for change in tuple(told):
                reached = max(reached, revision(change.object))
                lines.append((reached, change))
        return [change for _, change in sorted(lines, key=lambda line: line[0])]

    async def follow(self) -> None:
        """Until the end; StatusError if what comes next was compacted away, which is a gap."""
        client = connect.client(self._lab)
        tasks = [asyncio.create_task(self._follow(client, kind)) for kind in _KINDS]
        end = asyncio.create_task(self._end.wait())
        await asyncio.wait([*tasks, end], return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        said = await asyncio.gather(*tasks, return_exceptions=True)
        await client.transport.close()
        for one in said:
            if isinstance(one, Exception):
                raise one

    async def _follow(self, client: Client, resource: Resource) -> None:
        since = ""
        while True:
            try:
                events = client.watch(resource, resource_version=since)
                async with aclosing(events):
                    async for kind, obj in events:
                        since = obj["metadata"]["resourceVersion"]
                        if kind != "BOOKMARK":
                            self._told[resource.kind].append(Change(kind, resource.kind, obj))
            except StatusError as error:
                if error.code == 410:
                    raise
            except NoSuchLab:
                pass
            await asyncio.wait([asyncio.create_task(self._end.wait())], timeout=_AGAIN_SECONDS)

    @classmethod
    @contextmanager
    def of(cls, lab: str) -> Iterator["History"]:
        """Is written from now, when there are no pods yet, to the end of the context."""
        history = cls(lab)
        loop = asyncio.new_event_loop()
        with ThreadPoolExecutor(1) as thread:
            done = thread.submit(loop.run_until_complete, history.follow())
            try:
                yield history
            finally:
                loop.call_soon_threadsafe(history._end.set)
                done.result()
                loop.close()
