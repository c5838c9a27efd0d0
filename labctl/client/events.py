"""Tells users what was done, as Kubernetes Events: fire and forget for the one who tells.

`event()` only queues; a background task writes what the correlator leaves of it: a new Event, or a
PATCH of the count of one that was written before. Many repeats that wait together are one write.
Events never hold up work: a full queue drops them, a server that is away gets twelve tries.
"""

import asyncio
import logging
import time
from collections import deque
from dataclasses import dataclass
from typing import Final

from labctl.api.kinds.core import EVENTS
from labctl.api.objects import Obj, format_time, name, namespace, uid
from labctl.client.backoff import Backoff
from labctl.client.client import Client
from labctl.client.correlator import Correlator, Occurrence, Record, Source
from labctl.errors import StatusError

_QUEUE: Final = 1000
_TRIES: Final = 12
_IN_FLIGHT: Final = 16
_LAST_RETRY: Final = 10.0

_log = logging.getLogger(__name__)


@dataclass
class _Write:
    """An event to write; `posted` until which count the server has it."""

    event: Obj
    new: bool


class EventRecorder:
    """Writes Events as `component` (on `host`)."""

    def __init__(self, client: Client, component: str, host: str = "") -> None:
        self._client = client
        self._source = {"component": component, **({"host": host} if host else {})}
        self._last_name = 0
        self._correlator = Correlator(self._new_name)
        self._queue: deque[_Write] = deque()
        self._wake = asyncio.Event()
        self._done = asyncio.Event()
        self._done.set()

    def event(self, obj: Obj, type_: str, reason: str, message: str) -> None:
        """Tells of `obj`: `type_` is Normal or Warning. Returns at once."""
        now = time.time()
        occurrence = Occurrence(_subject(obj), type_, reason, message, now)
        record = self._correlator.correlate(occurrence)
        if record is None or len(self._queue) >= _QUEUE:
            return
        event = self._event(obj, type_, reason, record)
        self._queue.append(_Write(event, new=record.count == 1))
        self._done.clear()
        self._wake.set()

    async def run(self) -> None:
        """Writes until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while batch := self._take():
                await self._write_all(batch)
            self._done.set()

    async def flush(self) -> None:
        """Returns when everything told so far is written or given up."""
        await self._done.wait()

    def _new_name(self, subject: Source) -> str:
        """As client-go: the time in nanoseconds, in hex; so names also say in which order."""
        self._last_name = max(self._last_name + 1, time.time_ns())
        return f"{subject[2]}.{self._last_name:x}"

    def _event(self, obj: Obj, type_: str, reason: str, record: Record) -> Obj:
        space = namespace(obj) or "default"
        component = self._source["component"]
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": record.name, "namespace": space},
            "involvedObject": _reference(obj),
            "type": type_,
            "reason": reason,
            "message": record.message,
            "source": self._source,
            "firstTimestamp": format_time(record.first),
            "lastTimestamp": format_time(record.last),
            "count": record.count,
            "reportingComponent": component,
            "reportingInstance": self._source.get("host", ""),
        }

    def _take(self) -> list[_Write]:
        """What waits, one write an Event: the last repeat says it all."""
        latest: dict[str, _Write] = {}
        while self._queue:
            write = self._queue.popleft()
            at = name(write.event)
            new = write.new or (at in latest and latest[at].new)
            latest[at] = _Write(write.event, new)
        return list(latest.values())

    async def _write_all(self, batch: list[_Write]) -> None:
        pending = iter(batch)

        async def work() -> None:
            for write in pending:
                await self._write(write)

        async with asyncio.TaskGroup() as group:
            for _ in range(min(_IN_FLIGHT, len(batch))):
                group.create_task(work())

    async def _write(self, write: _Write) -> None:
        backoff = Backoff(first=0.1, limit=_LAST_RETRY)
        for _ in range(_TRIES):
            try:
                await self._send(write)
            except StatusError as error:
                if error.code < 500 and error.code != 429:
                    _log.debug("event dropped: %s", error.message)
                    return
                await asyncio.sleep(backoff.next())
            else:
                return

    async def _send(self, write: _Write) -> None:
        event = write.event
        if not write.new:
            change = {k: event[k] for k in ("count", "message", "lastTimestamp")}
            try:
                await self._client.patch(EVENTS, name(event), change, namespace(event))
            except StatusError as error:
                if error.code != 404:
                    raise
            else:
                return
        await self._client.create(EVENTS, event)


def _subject(obj: Obj) -> Source:
    return (obj.get("kind", ""), namespace(obj), name(obj), uid(obj))


def _reference(obj: Obj) -> Obj:
    reference = {
        "apiVersion": obj.get("apiVersion", ""),
        "kind": obj.get("kind", ""),
        "name": name(obj),
        "uid": uid(obj),
        "resourceVersion": obj["metadata"].get("resourceVersion", ""),
    }
    if namespace(obj):
        reference["namespace"] = namespace(obj)
    return reference
