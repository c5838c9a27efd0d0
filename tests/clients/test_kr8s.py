"""`kr8s`: discovers everything, speaks in its own objects."""

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import kr8s.asyncio
import pytest
from kr8s.asyncio.objects import ConfigMap, Deployment, Pod

from tests.clients.loop import run
from tests.clients.objects import config_map, deployment, pod


@asynccontextmanager
async def _api(kubeconfig: str) -> AsyncIterator[Any]:
    api = await kr8s.asyncio.api(kubeconfig=kubeconfig)
    try:
        yield api
    finally:
        await api._session.aclose()  # it has no close of its own


def _placed(obj: dict[str, Any], space: str) -> dict[str, Any]:
    return {**obj, "metadata": {**obj["metadata"], "namespace": space}}


def test_a_flow(kubeconfig: str, space: str) -> None:
    async def main() -> None:
        async with _api(kubeconfig) as api:
            await _objects(api, space)
            await _scaling(api, space)

    run(main())


async def _objects(api: Any, space: str) -> None:
    made = await ConfigMap(_placed(config_map("a", mode="test"), space), api=api)
    await made.create()
    await made.patch({"data": {"more": "yes"}})
    assert made.data.to_dict() == {"mode": "test", "more": "yes"}
    listing = api.get("configmaps", namespace=space, label_selector="app")
    assert [one.name async for one in listing] == ["a"]
    await made.delete()
    assert not await made.exists()
    with pytest.raises(kr8s.NotFoundError):
        await made.refresh()


async def _scaling(api: Any, space: str) -> None:
    web = await Deployment(_placed(deployment("web"), space), api=api)
    await web.create()
    await web.scale(2)
    await web.wait("condition=Available", timeout=30)
    assert len(await web.pods()) == 2
    await web.delete(propagation_policy="Foreground")


def test_watches_and_logs(kubeconfig: str, space: str) -> None:
    async def main() -> None:
        async with _api(kubeconfig) as api:
            talker = await Pod(_placed(pod("talker"), space), api=api)
            await talker.create()
            await talker.wait("condition=Ready", timeout=30)
            assert [line async for line in talker.logs(tail_lines=2)] == ["one", "two"]
            async with aclosing(api.watch("pods", namespace=space)) as events:
                kind, one = await anext(events)
            assert (kind, one.name) == ("ADDED", "talker")
            await talker.delete(grace_period=0)

    run(main())
