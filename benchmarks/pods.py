"""Deployments as they come up, seen through the API as any client would see them."""

import asyncio
import time
from collections.abc import Callable

from benchmarks.findings import Steps
from labctl.api.kinds.apps import DEPLOYMENTS
from labctl.api.objects import Obj
from labctl.client.client import Client
from labctl.client.wait import wait_for

DEADLINE = 300.0


def rise(client: Client, name: str, replicas: int) -> Steps:
    """POSTs a Deployment and waits until all its pods are Ready; seconds count from the POST."""
    return asyncio.run(_rise(client, name, replicas))


async def _rise(client: Client, name: str, replicas: int) -> Steps:
    began = time.perf_counter()
    steps: Steps = []
    await client.create(DEPLOYMENTS, deployment(name, replicas))
    await await_ready(
        client, name, replicas, lambda ready: steps.append((time.perf_counter() - began, ready))
    )
    return steps


async def await_ready(
    client: Client, name: str, replicas: int, told: Callable[[int], None] = lambda _ready: None
) -> None:
    """Returns when all pods of a Deployment are Ready; `told` hears of every change till then."""

    def is_ready(obj: Obj | None) -> bool:
        ready = ((obj or {}).get("status") or {}).get("readyReplicas", 0)
        told(ready)
        return bool(ready == replicas)

    await wait_for(client, DEPLOYMENTS, name, "default", is_ready, DEADLINE)


def deployment(name: str, replicas: int) -> Obj:
    labels = {"app": name}
    container = {"name": "main", "image": "example/none:1", "ports": [{"containerPort": 80}]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }
