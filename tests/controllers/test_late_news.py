"""A ReplicaSet controller whose news of pods come late does not act twice."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Mapping
from pathlib import Path
from typing import Any

from labctl.api.kinds.apps import REPLICASETS
from labctl.api.kinds.core import PODS
from labctl.api.objects import Obj, is_deleting, uid
from labctl.client.cache import Cache
from labctl.client.client import Client
from labctl.client.events import EventRecorder
from labctl.client.transport import Transport
from labctl.controllers.caches import Caches
from labctl.controllers.controller import Desk
from labctl.controllers.kinds import Kinds
from labctl.controllers.replicaset import ReplicaSetController
from labctl.controllers.settings import Settings
from tests.client.serving import serving


class _Gated:
    """A transport over which events of pods pass only while the gate is open."""

    def __init__(self, inner: Transport) -> None:
        self._inner = inner
        self.gate = asyncio.Event()

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] = {},
        body: Obj | list[Any] | None = None,
        content_type: str = "application/json",
        accept: str = "application/json",
    ) -> Obj:
        return await self._inner.request(
            method, path, query=query, body=body, content_type=content_type, accept=accept
        )

    async def stream(self, path: str, query: Mapping[str, str]) -> AsyncGenerator[Obj, None]:
        async with contextlib.aclosing(self._inner.stream(path, query)) as events:
            async for event in events:
                if path.endswith("/pods"):
                    await self.gate.wait()
                yield event

    async def close(self) -> None:
        await self._inner.close()


class _Pods:
    """Follows pods without any gate."""

    def __init__(self, client: Client) -> None:
        self.uids: set[str] = set()
        self.cache = Cache(client, PODS)
        self._changed = asyncio.Event()
        self.cache.subscribe(self._note)

    @property
    def live(self) -> int:
        return sum(not is_deleting(pod) for pod in self.cache.objects.values())

    async def until(self, wish: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not wish():
                self._changed.clear()
                await self._changed.wait()

    def _note(self, _: Obj | None, new: Obj | None) -> None:
        if new is not None:
            self.uids.add(uid(new))
        self._changed.set()


def _replicaset(replicas: int) -> Obj:
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "c", "image": "nginx"}]},
            },
        },
    }


async def _scale(client: Client, replicas: int) -> None:
    """Scales, and waits until the controller has looked at that."""
    patch = {"spec": {"replicas": replicas}}
    wanted = (await client.patch(REPLICASETS, "web", patch, "default"))["metadata"]["generation"]
    async with asyncio.timeout(20):
        async for event in client.watch(REPLICASETS, "default"):
            if event.object.get("status", {}).get("observedGeneration") == wanted:
                return


def test_pods_are_made_and_ended_once_however_late_the_news(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with serving(tmp_path) as api:
            gated = _Gated(api.server.local_transport("test", ("system:masters",)))
            slow = Client(gated)
            caches, settings = Caches(slow), Settings(slow)
            recorder = EventRecorder(slow, "replicaset-controller")
            controller = ReplicaSetController(
                Desk(slow, recorder, caches, settings, Kinds(slow, caches))
            )
            pods = _Pods(api.client)
            running = [
                asyncio.ensure_future(part.run())
                for part in (caches, recorder, controller, pods.cache)
            ]
            await api.client.create(REPLICASETS, _replicaset(3))
            await pods.until(lambda: len(pods.uids) == 3)
            await _scale(api.client, 5)
            assert len(pods.uids) == 3  # it has not seen its three yet
            gated.gate.set()
            await pods.until(lambda: len(pods.uids) == 5)
            gated.gate.clear()
            await _scale(api.client, 2)
            await pods.until(lambda: pods.live == 2)
            await _scale(api.client, 1)
            assert pods.live == 2
            gated.gate.set()
            await pods.until(lambda: pods.live == 1)
            assert len(pods.uids) == 5
            for task in running:
                task.cancel()
            await asyncio.wait(running)

    asyncio.run(scenario())
