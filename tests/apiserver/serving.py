"""An API server to ask, and objects to ask it about."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec
import pytest

from labctl.api.kinds.core import PODS
from labctl.api.objects import Obj
from labctl.apiserver.local import LocalTransport
from labctl.apiserver.server import ApiServer
from labctl.client.client import Client, WatchEvent
from labctl.errors import StatusError
from labctl.store import Store
from labctl.store.sqlite import SqliteStore

MASTERS = ("system:masters",)


def run(main: Coroutine[Any, Any, None], seconds: float = 60) -> None:
    asyncio.run(asyncio.wait_for(main, seconds))


@asynccontextmanager
async def serving(directory: Path, pki: Path | None = None) -> AsyncIterator[ApiServer]:
    """A started server on a store in `directory`; it has tokens if there are keys for it."""
    async with serving_store(SqliteStore.open(directory / "store.db"), pki) as server:
        yield server


@asynccontextmanager
async def serving_store(store: Store, pki: Path | None = None) -> AsyncIterator[ApiServer]:
    """A started server on a store, which is closed at the end.

    Whatever was done to it, each object that it has in mind is what the store has, decoded.
    """
    server = ApiServer(store, pki=pki)
    await server.start()
    try:
        yield server
        entries = chain.from_iterable(map(server.cache.entries, server.served.catalog.stored))
        assert not [e.key for e in entries if msgspec.json.decode(e.body) != e.object]
    finally:
        await server.stop()
        await store.close()


def transport(
    server: ApiServer, user: str = "admin", groups: tuple[str, ...] = MASTERS
) -> LocalTransport:
    return server.local_transport(user, groups)


def client(server: ApiServer, user: str = "admin", groups: tuple[str, ...] = MASTERS) -> Client:
    return Client(transport(server, user, groups))


def node_client(server: ApiServer, node: str) -> Client:
    return client(server, f"system:node:{node}", ("system:nodes",))


async def refused(
    request: Coroutine[Any, Any, Any], code: int, reason: str, message: str = ""
) -> StatusError:
    """Awaits a request that must fail like this; `message` is a part of the sentence."""
    with pytest.raises(StatusError) as caught:
        await request
    error = caught.value
    assert (error.code, error.reason) == (code, reason), error.message
    assert message in error.message
    return error


async def first(events: AsyncGenerator[WatchEvent, None], count: int) -> list[WatchEvent]:
    """The first events of a watch, which is left open."""
    return [await anext(events) for _ in range(count)]


def pod(name: str, **spec: Any) -> Obj:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "default", "labels": {"app": name}},
        "spec": {"containers": [{"name": "main", "image": "nginx"}], **spec},
    }


def config_map(name: str, namespace: str = "default", **data: str) -> Obj:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace},
        "data": data,
    }


def node(name: str) -> Obj:
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}}


def deployment(name: str, replicas: int = 1) -> Obj:
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "main", "image": "nginx:1"}]},
            },
        },
    }


async def make_pods(api: Client, count: int) -> None:
    """Pods p000, p001, … in the namespace default."""
    await asyncio.gather(*(api.create(PODS, pod(f"p{number:03}")) for number in range(count)))
