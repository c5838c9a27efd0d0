"""The connection to an etcd: one channel at a time, to one endpoint, left when nobody answers.

A killed etcd shows at once. One that is stalled (SIGSTOP, a dead disk) keeps its connections, and
gRPC's own keepalive takes twenty seconds to notice; so every call has a deadline, and whoever
waited in vain has the channel replaced by one to the next endpoint.
"""

import asyncio
import contextlib
from typing import Any

import grpc
from aetcd.rpc import rpc_pb2_grpc

from labctl.store import OutcomeUnknown, StoreError, TooLarge
from labctl.store.etcd.cluster import Cluster, is_encrypted, target

_PAUSE = 0.05  # seconds between two tries of a question
_OPTIONS = (
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),  # etcd has a limit of its own, and says so better
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.use_local_subchannel_pool", 1),  # or a new channel would get the stalled connection
    ("grpc.enable_retries", 0),
    ("grpc.enable_http_proxy", 0),
)
_READY = grpc.ChannelConnectivity.READY
_FAILING = grpc.ChannelConnectivity.TRANSIENT_FAILURE
_STUBS = {
    "Range": rpc_pb2_grpc.KVStub,
    "Txn": rpc_pb2_grpc.KVStub,
    "Compact": rpc_pb2_grpc.KVStub,
    "LeaseGrant": rpc_pb2_grpc.LeaseStub,
    "Watch": rpc_pb2_grpc.WatchStub,
}
# A member that lost its leader then ends its watches, and is not merely silent (etcd's v3rpc).
_WITH_LEADER = (("hasleader", "true"),)
_LOST = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED})
# After these nobody knows whether a write was made: a lost answer, a change of leaders.
_UNCERTAIN = _LOST | {
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.UNKNOWN,
    grpc.StatusCode.INTERNAL,
}


class Compacted(StoreError):
    """What a question was about has been compacted away; etcd does not say up to where."""


class LeaseGone(StoreError):
    """The lease that a write named has expired."""


class Connection:
    """Questions and writes, each answered or given up within `patience` seconds.

    Raises StoreError for files that cannot be read; they are read once.
    """

    def __init__(self, cluster: Cluster, patience: float) -> None:
        self.patience = patience
        self._cluster = cluster
        self._files = cluster.credentials()
        self._turn = 0
        self._closed = False
        self._closing: set[asyncio.Task[None]] = set()
        self._open()

    async def ask(self, method: str, request: Any) -> Any:
        """The answer to what changes nothing, and so may be asked again. Raises StoreError."""
        deadline = _now() + self.patience
        while True:
            try:
                return await self._call(method, request, deadline)
            except grpc.aio.AioRpcError as error:
                if error.code() is not grpc.StatusCode.UNAVAILABLE or _now() + _PAUSE > deadline:
                    raise _refusal(error) from error
            await asyncio.sleep(_PAUSE)

    async def write(self, method: str, request: Any) -> Any:
        """Has etcd change something, once. Raises StoreError, OutcomeUnknown, TooLarge."""
        try:
            return await self._call(method, request, _now() + self.patience)
        except grpc.aio.AioRpcError as error:
            if error.code() in _UNCERTAIN:
                raise OutcomeUnknown(f"etcd: {error.details()}") from error
            raise _refusal(error) from error

    async def stream(self) -> tuple[Any, Any]:
        """A stream of watches, and the channel that it uses. Raises StoreError."""
        await self._ready(_now() + self.patience)
        return self._stubs["Watch"].Watch(metadata=_WITH_LEADER), self._channel

    def leave(self, channel: Any) -> None:
        """Replaces a channel on which nobody answers; what is under way on it may yet end."""
        if channel is not self._channel or self._closed:
            return
        self._turn += 1
        self._abandon(self.patience)
        self._open()

    async def close(self) -> None:
        """Ends what is under way: it fails with StoreError."""
        if not self._closed:
            self._closed = True
            self._abandon(None)
        await asyncio.gather(*self._closing)

    def _open(self) -> None:
        endpoint = self._cluster.endpoints[self._turn % len(self._cluster.endpoints)]
        connect_within = ("grpc.min_reconnect_backoff_ms", int(self.patience * 1000))
        options = (*_OPTIONS, connect_within)
        if is_encrypted(endpoint):
            credentials = grpc.ssl_channel_credentials(*self._files)
            self._channel = grpc.aio.secure_channel(target(endpoint), credentials, options)
        else:
            self._channel = grpc.aio.insecure_channel(target(endpoint), options)
        self._endpoint = endpoint
        self._stubs = {method: stub(self._channel) for method, stub in _STUBS.items()}

    def _abandon(self, grace: float | None) -> None:
        closing = asyncio.create_task(self._channel.close(grace))
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)

    async def _call(self, method: str, request: Any, deadline: float) -> Any:
        await self._ready(deadline)
        channel = self._channel
        call = getattr(self._stubs[method], method)
        try:
            return await call(request, timeout=max(deadline - _now(), _PAUSE))
        except grpc.aio.AioRpcError as error:
            if error.code() in _LOST:
                self.leave(channel)
            raise
        except asyncio.CancelledError:
            if is_cancelled():
                raise
            raise OutcomeUnknown("the connection to etcd was closed") from None

    async def _ready(self, deadline: float) -> None:
        """Returns when there is a connection: what fails before that was certainly not sent."""
        while True:
            if self._closed:
                raise StoreError("the store is closed")
            channel = self._channel
            state = channel.get_state(try_to_connect=True)
            if state is _READY:
                return
            if state is _FAILING and len(self._cluster.endpoints) > 1:
                self.leave(channel)
                await asyncio.sleep(_PAUSE)
                continue
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(deadline):
                    await channel.wait_for_state_change(state)
            if _now() >= deadline:
                endpoint = self._endpoint
                self.leave(channel)
                raise StoreError(f"no etcd answers at {endpoint}")


def is_cancelled() -> bool:
    """Whether somebody cancelled this task; a call that was ended by gRPC looks the same."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _refusal(error: Any) -> StoreError:
    """The exception for what etcd refused, and so has not done."""
    code, details = error.code(), error.details() or ""
    if code is grpc.StatusCode.OUT_OF_RANGE and "has been compacted" in details:
        return Compacted(details)
    if code is grpc.StatusCode.NOT_FOUND and "lease" in details:
        return LeaseGone(details)
    too_large = "too large" in details or "larger than max" in details
    if too_large and code in (
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
    ):
        return TooLarge("etcdserver: request is too large")
    return StoreError(f"etcd: {details}")


def _now() -> float:
    return asyncio.get_running_loop().time()
