"""What the API server does, over TLS, on one core; its clients have the other one.

Pods wait behind a scheduling gate, so that only the API is at work.
"""

import asyncio
import ssl
import time
from statistics import median

import msgspec
import uvloop

from benchmarks.cores import pin, pinned
from benchmarks.findings import Findings
from benchmarks.lab import Lab, running
from benchmarks.lean import client_context, encoded, flood
from benchmarks.rows import Row, at_most
from benchmarks.sizes import Sizes
from benchmarks.watchers import furthest_behind
from labctl.api.kinds.core import CONFIGMAPS, NAMESPACES, PODS
from labctl.api.objects import Obj
from labctl.client.client import Client
from labctl.client.http import HttpTransport

_GETS, _LISTS, _PUTS = 5000, 5, 100
_SECONDS = 300.0

LIST = Row("API: list of {listed:,} pods", "s", at_most(0.5))
BEHIND = Row("API: {watchers} watchers of {changes:,} changes, furthest behind", "s", at_most(1))
LOST = Row("the same: events lost", "", at_most(0))
GET = Row("API: GET of a pod", "/s")
CREATE = Row("API: durable create of a pod", "/s")
LAST = Row("API: a change reaches the last of {watchers} watchers", "ms")
ALONE = Row("API: a change reaches a watcher, from its PUT", "ms")

_POD: Obj = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "", "labels": {"app": "bench", "tier": "web"}},
    "spec": {
        "schedulingGates": [{"name": "bench/never"}],
        "containers": [
            {
                "name": name,
                "image": "example/none:1",
                "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
                "ports": [{"containerPort": port}],
                "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}},
            }
            for name, port in (("web", 80), ("side", 9090))
        ],
    },
}


def api(sizes: Sizes, found: Findings, *words: str) -> None:
    """`words` are more for `labctl up`."""
    with running(1, *words) as lab, pinned(1):
        pin(lab.pids("control-plane"), 0)
        uvloop.run(_measure(lab, sizes, found))


async def _measure(lab: Lab, sizes: Sizes, found: Findings) -> None:
    url, tls = lab.url, client_context(lab.pki)
    async with asyncio.timeout(_SECONDS):
        creates = await flood(url, tls, _create, sizes.listed, 64)
        lists = await flood(url, tls, lambda _: encoded("GET", PODS.path("default")), _LISTS, 1)
        one = PODS.path("default", "p0")
        gets = await flood(url, tls, lambda _: encoded("GET", one), _GETS, 16)
        transport = HttpTransport(url, tls=tls)
        await _watches(Client(transport), url, tls, sizes, found)
        await transport.close()
    found.add(LIST, lists / _LISTS)
    found.add(GET, _GETS / gets)
    found.add(CREATE, sizes.listed / creates)


def _create(number: int) -> bytes:
    body = {**_POD, "metadata": {**_POD["metadata"], "name": f"p{number}"}}
    return encoded("POST", PODS.path("default"), msgspec.json.encode(body))


async def _watches(
    client: Client, url: str, tls: ssl.SSLContext, sizes: Sizes, found: Findings
) -> None:
    await client.create(NAMESPACES, {"metadata": {"name": "many"}})
    behind, lost = await furthest_behind(url, tls, "many", sizes.watchers, sizes.changes)
    found.add(BEHIND, behind)
    found.add(LOST, lost)
    found.add(LAST, 1000 * await _delay(client, "all", sizes.watchers))
    found.add(ALONE, 1000 * await _delay(client, "one", 1))


async def _delay(client: Client, namespace: str, watchers: int) -> float:
    """Median seconds from a write to its event at the last of so many watchers."""
    await client.create(NAMESPACES, {"metadata": {"name": namespace}})
    await client.create(CONFIGMAPS, _config_map(namespace, 0))
    arrived = asyncio.Semaphore(0)

    async def follow() -> None:
        async for _ in client.watch(CONFIGMAPS, namespace, fields="metadata.name=c"):
            arrived.release()

    tasks = [asyncio.create_task(follow()) for _ in range(watchers)]
    await _all(arrived, watchers)
    delays = []
    for number in range(1, _PUTS + 1):
        began = time.perf_counter()
        await client.replace(CONFIGMAPS, _config_map(namespace, number))
        await _all(arrived, watchers)
        delays.append(time.perf_counter() - began)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return median(delays)


async def _all(arrived: asyncio.Semaphore, watchers: int) -> None:
    for _ in range(watchers):
        await arrived.acquire()


def _config_map(namespace: str, number: int) -> Obj:
    return {"metadata": {"name": "c", "namespace": namespace}, "data": {"n": str(number)}}
