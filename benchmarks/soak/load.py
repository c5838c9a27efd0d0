"""The load: two Deployments, of stand-ins and of programs, made, waited for, and deleted."""

import asyncio
import time

from labctl.api.kinds.apps import DEPLOYMENTS
from labctl.api.kinds.core import PODS
from labctl.api.objects import Obj
from labctl.client.client import Client
from labctl.client.wait import Wish, wait_for
from labctl.cri.client import RuntimeClient

_DEADLINE, _POLL = 300.0, 0.05  # seconds
_PROGRAMS = 10  # one pod in so many runs a process in a group of its own


async def make_and_delete(client: Client, runtime: RuntimeClient, count: int) -> None:
    """Returns when all pods were Ready, and nothing is left of them in API and runtime."""
    programs = max(1, count // _PROGRAMS)
    sizes = {"standins": count - programs, "programs": programs}
    for name, replicas in sizes.items():
        await client.create(DEPLOYMENTS, _deployment(name, replicas))
    for name, replicas in sizes.items():
        await wait_for(client, DEPLOYMENTS, name, "default", _has_ready(replicas), _DEADLINE)
    for name in sizes:
        await client.delete(DEPLOYMENTS, name, "default", propagation="Foreground")
    for name in sizes:
        await wait_for(client, DEPLOYMENTS, name, "default", lambda obj: obj is None, _DEADLINE)
    await _wait_gone(client, runtime)


async def _wait_gone(client: Client, runtime: RuntimeClient) -> None:
    deadline = time.monotonic() + _DEADLINE
    while (await client.list(PODS)).items or await runtime.list_pod_sandboxes(""):
        assert time.monotonic() < deadline, "pods stay"
        await asyncio.sleep(_POLL)


def _has_ready(replicas: int) -> Wish:
    return lambda obj: ((obj or {}).get("status") or {}).get("readyReplicas") == replicas


def _deployment(name: str, replicas: int) -> Obj:
    container: Obj = {"name": "main", "image": "example/none:1"}
    if name == "programs":
        container["command"] = ["sleep", "1000"]
    else:
        container["ports"] = [{"containerPort": 80}]
    labels = {"app": name}
    spec = {"containers": [container], "terminationGracePeriodSeconds": 0}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": spec},
        },
    }
