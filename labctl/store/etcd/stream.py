"""One watch of etcd: a stream of answers, and a heartbeat that notices when none will come.

A stalled etcd says nothing, as one in which nothing happens. So on a stream that was silent for a
while etcd is asked for its progress, which it answers at once.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc
from aetcd import rpc

from labctl.store import Expired, StoreError
from labctl.store.etcd.connection import Connection, is_cancelled
from labctl.store.etcd.keys import end_of

_REQUESTED = -1  # the watch_id of an answer to a request for progress


@dataclass(frozen=True, slots=True)
class Portion:
    """What happened up to a revision; of a revision all or nothing."""

    revision: int
    events: list[Any]


async def follow(connection: Connection, prefix: bytes, after: int) -> AsyncGenerator[Portion]:
    """What happens to the keys under a prefix after a revision, until the connection is lost.

    Raises Expired, with etcd's own floor, and StoreError when nobody answers any more.
    """
    # From `after` itself: etcd then refuses what lies before its floor, and only that.
    wanted = rpc.WatchCreateRequest(
        key=prefix,
        range_end=end_of(prefix),
        start_revision=max(after, 1),
        prev_kv=True,
        progress_notify=True,
        fragment=True,
    )
    events: list[Any] = []
    async with _stream(connection) as stream:
        await stream.send(rpc.WatchRequest(create_request=wanted))
        while True:
            answer = await stream.receive()
            if answer.canceled:
                raise _reason(answer)
            if answer.created or answer.watch_id == _REQUESTED:
                continue
            events += [event for event in answer.events if event.kv.mod_revision > after]
            if answer.fragment:
                continue
            # Without events it is progress, which etcd sends in order; what it sends on request
            # may overtake events in etcd before 3.4.25 (etcd issue 15220).
            yield Portion(_revision(answer), events)
            events = []


def _revision(answer: Any) -> int:
    return int(answer.events[-1].kv.mod_revision if answer.events else answer.header.revision)


def _reason(answer: Any) -> Exception:
    if answer.compact_revision:
        return Expired(answer.compact_revision)
    return StoreError(f"etcd ended a watch: {answer.cancel_reason}")


class _Stream:
    """A stream of gRPC, with a heart."""

    def __init__(self, call: Any, patience: float) -> None:
        self._call = call
        self._patience = patience
        self._waits_since: float | None = None

    async def send(self, request: Any) -> None:
        try:
            await self._call.write(request)
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError) as error:
            raise StoreError("the connection to etcd was lost") from error

    async def receive(self) -> Any:
        self._waits_since = asyncio.get_running_loop().time()
        try:
            answer = await self._call.read()
        except grpc.aio.AioRpcError as error:
            raise StoreError(f"the connection to etcd was lost: {error.details()}") from error
        except asyncio.CancelledError:
            if is_cancelled():
                raise
            raise StoreError("etcd does not answer any more") from None
        finally:
            self._waits_since = None
        if answer is grpc.aio.EOF:
            raise StoreError("etcd ended the connection")
        return answer

    async def beat(self) -> None:
        """Ends the stream when etcd is silent for longer than its patience, though asked."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._patience / 4)
            silence = loop.time() - (self._waits_since or loop.time())
            if silence > self._patience:
                self._call.cancel()
                return
            if silence > self._patience / 4:
                progress = rpc.WatchProgressRequest()
                with contextlib.suppress(StoreError):  # whoever receives will know, too
                    await self.send(rpc.WatchRequest(progress_request=progress))


@asynccontextmanager
async def _stream(connection: Connection) -> AsyncGenerator[_Stream]:
    call, channel = await connection.stream()
    stream = _Stream(call, connection.patience)
    heart = asyncio.create_task(stream.beat())
    try:
        yield stream
    except StoreError:
        connection.leave(channel)
        raise
    finally:
        heart.cancel()
        call.cancel()
        await asyncio.wait({heart})
