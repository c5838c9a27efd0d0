"""What the API server does per second, over TLS, on one core; its clients have the other one.

    python -m benchmarks.api

A lab of one node is made; its control plane is bound to one core and everything here to another.
Pods wait behind a scheduling gate, so that only the API is at work.
"""

import asyncio
import os
import re
import shutil
import ssl
import time
from pathlib import Path
from statistics import median

import msgspec
import uvloop

from benchmarks.command import command
from benchmarks.lean import client_context, encoded, flood
from benchmarks.replay import apply_ratio
from labctl import names
from labctl.api.kinds.core import CONFIGMAPS, NAMESPACES, PODS
from labctl.api.objects import Obj
from labctl.client.client import Client
from labctl.client.http import HttpTransport
from labctl.lab import processes

_LAB = f"bapi-{os.getpid()}"
_GETS, _CREATES, _WATCHERS, _CHANGES = 10_000, 5_000, 200, 200
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


def main() -> None:
    command(_LAB, "up", "--nodes", "1")
    try:
        bind(_LAB)
        print("| measure | |\n| --- | --- |")
        for name, (value, form) in uvloop.run(measure(_LAB)).items():
            print(f"| {name} | {form.format(value)} |")
        kubectl, config = shutil.which("kubectl"), names.kubeconfig_file(_LAB).read_text()
        if kubectl:
            ratio = apply_ratio(kubectl, config, _url(_LAB), names.pki_dir(_LAB))
            print(f"| kubectl apply of a Deployment / against ready answers, medians | {ratio} |")
    finally:
        command(_LAB, "down")


def bind(lab: str) -> None:
    """The control plane, all its threads, on core 0; this process on core 1."""
    running = processes.read_record(lab).processes
    pid = next(one.pid for one in running if one.name == processes.CONTROL_PLANE)
    for task in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(task.name), {0})
    os.sched_setaffinity(0, {1})


def _url(lab: str) -> str:
    config = names.kubeconfig_file(lab).read_text()
    found = re.search(r"server: (\S+)", config)
    assert found
    return found[1]


async def measure(lab: str) -> dict[str, tuple[float, str]]:
    """What was measured, each with the form in which it is said."""
    url, tls = _url(lab), client_context(names.pki_dir(lab))
    async with asyncio.timeout(120):
        creates = await flood(url, tls, _create, _CREATES, 64)
        gets = await flood(
            url, tls, lambda _: encoded("GET", PODS.path("default", "p0")), _GETS, 16
        )
        listed = await flood(url, tls, lambda _: encoded("GET", PODS.path("default")), 5, 1)
        last, alone = await _fan_out(url, tls)
    return {
        "GET of a pod": (_GETS / gets, "{:,.0f}/s"),
        "durable create of a pod": (_CREATES / creates, "{:,.0f}/s"),
        f"list of {_CREATES:,} pods": (listed / 5, "{:.3f} s"),
        f"a change reaches the last of {_WATCHERS} watchers, median": (last * 1000, "{:.1f} ms"),
        "a change reaches a watcher, from its PUT, median": (alone * 1000, "{:.2f} ms"),
    }


def _create(number: int) -> bytes:
    body = {**_POD, "metadata": {**_POD["metadata"], "name": f"p{number}"}}
    return encoded("POST", PODS.path("default"), msgspec.json.encode(body))


async def _fan_out(url: str, tls: ssl.SSLContext) -> tuple[float, float]:
    """Median seconds from a write to its event: at the last of many watchers, and at the only one."""
    transport = HttpTransport(url, tls=tls)
    client = Client(transport)
    alone = await _delays(client, 1)
    many = await _delays(client, _WATCHERS)
    await transport.close()
    return many, alone


async def _delays(client: Client, watchers: int) -> float:
    namespace, arrived = f"w{watchers}", asyncio.Semaphore(0)
    await client.create(NAMESPACES, {"metadata": {"name": namespace}})
    await client.create(CONFIGMAPS, _config_map(namespace, 0))

    async def follow() -> None:
        async for _ in client.watch(CONFIGMAPS, namespace, fields="metadata.name=c"):
            arrived.release()

    async def all_saw() -> None:
        for _ in range(watchers):
            await arrived.acquire()

    tasks = [asyncio.create_task(follow()) for _ in range(watchers)]
    await all_saw()
    delays = []
    for number in range(_CHANGES):
        started = time.perf_counter()
        await client.replace(CONFIGMAPS, _config_map(namespace, number + 1))
        await all_saw()
        delays.append(time.perf_counter() - started)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return median(delays)


def _config_map(namespace: str, number: int) -> Obj:
    return {"metadata": {"name": "c", "namespace": namespace}, "data": {"n": str(number)}}


if __name__ == "__main__":
    main()
