"""What a lab costs, measured from outside: the commands a user types, the API, and real packets.

Each measure makes a lab of its own, or uses the one it is given, and returns seconds.
"""

import asyncio
import subprocess
import sys
import time
from pathlib import Path

from labctl.api.kinds.apps import DEPLOYMENTS
from labctl.api.kinds.core import PODS
from labctl.api.objects import Obj
from labctl.client.client import Client
from labctl.client.wait import wait_for
from labctl.lab import connect
from labctl.lab.ping import ping
from labctl.lab.places import find_place

_LABCTL = Path(sys.executable).with_name("labctl")
_DEADLINE = 120.0


def command(lab: str, *words: str) -> float:
    """Seconds of a whole `labctl` process."""
    started = time.perf_counter()
    subprocess.run([_LABCTL, *words, "--lab", lab], check=True, capture_output=True)
    return time.perf_counter() - started


def to_first_ping(lab: str) -> float:
    """From the POST of a Deployment of one replica to the first answered ping from a node."""
    return asyncio.run(_to_first_ping(lab))


async def _to_first_ping(lab: str) -> float:
    client = connect.client(lab)
    node = await find_place(client, lab, "node/node1")
    started = time.perf_counter()
    await client.create(DEPLOYMENTS, deployment("first", 1))
    pod = await _first_pod(client)
    place = await find_place(client, lab, pod)
    assert ping(node, place, count=1).lost == 0
    took = time.perf_counter() - started
    await client.delete(DEPLOYMENTS, "first", "default", propagation="Foreground")
    await wait_for(client, DEPLOYMENTS, "first", "default", lambda obj: obj is None, _DEADLINE)
    await client.transport.close()
    return took


async def _first_pod(client: Client) -> str:
    async with asyncio.timeout(_DEADLINE):
        async for event in client.watch(PODS, "default", labels="app=first"):
            if (event.object.get("status") or {}).get("podIP"):
                return str(event.object["metadata"]["name"])
    raise TimeoutError


def to_all_ready(lab: str, replicas: int) -> float:
    """From the POST of a Deployment to the moment when all of its pods are Ready."""
    return asyncio.run(_to_all_ready(lab, replicas))


async def _to_all_ready(lab: str, replicas: int) -> float:
    client = connect.client(lab)
    started = time.perf_counter()
    await client.create(DEPLOYMENTS, deployment("many", replicas))

    def is_ready(obj: Obj | None) -> bool:
        return ((obj or {}).get("status") or {}).get("readyReplicas") == replicas

    await wait_for(client, DEPLOYMENTS, "many", "default", is_ready, _DEADLINE)
    took = time.perf_counter() - started
    await client.transport.close()
    return took


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
