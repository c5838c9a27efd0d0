"""What a container costs: `python -m benchmarks.containers`, on a lab that it makes.

A stand-in, a process, and one of an image, run by the lab's runtime and by crun, each created and
started in a sandbox that is there, through the runtime's socket; and how long it takes from the death of a pod's pause until the pod is Ready anew.
"""

import asyncio
import os
import signal
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from benchmarks.command import command
from labctl import names
from labctl.api.kinds.core import PODS
from labctl.api.objects import Obj, is_condition_true
from labctl.client.wait import wait_for
from labctl.cri import ContainerConfig, RuntimeClient, SandboxConfig
from labctl.lab import connect
from tests.images.layouts import busybox_image

_LAB = f"bench-{os.getpid()}"
_SLEEP, _IMAGE = ("sleep", "1000"), "busybox:bench"
_CONTAINERS, _KILLS = 100, 10
_DEADLINE = 60.0


def main() -> None:
    command(_LAB, "up", "--nodes", "1")
    try:
        with tempfile.TemporaryDirectory() as place:
            command(_LAB, "image", "load", str(busybox_image(Path(place), _IMAGE)))
        rows = asyncio.run(_measure())
    finally:
        command(_LAB, "down")
    print(f"| measure ({os.cpu_count()} cores) | min | median | max |")
    print("| --- | --- | --- | --- |")
    for name, row in rows.items():
        milliseconds = [f"{1000 * one:.2f} ms" for one in (min(row), median(row), max(row))]
        print(f"| {name} | {' | '.join(milliseconds)} |")


async def _measure() -> dict[str, list[float]]:
    return {
        "a stand-in, created and started": await _start(()),
        "a process, created and started": await _start(_SLEEP),
        "a process of an image": await _start(_SLEEP, _IMAGE),
        "a process of an image, by crun": await _start(_SLEEP, _IMAGE, "crun"),
        "pause killed, until the pod is Ready anew": await _kill_pause(),
    }


async def _start(argv: tuple[str, ...], image: str = "", handler: str = "") -> list[float]:
    """Nobody's sandbox: the agent, who knows of no such pod, is not asked for it."""
    client = RuntimeClient(names.runtime_socket(_LAB))
    word = "-".join(filter(None, (*argv[:1], image.partition(":")[0], handler))) or "none"
    pod = SandboxConfig(word, "bench", f"uid-{word}", handler=handler)
    sandbox = await client.run_pod_sandbox(pod)
    took = []
    for number in range(_CONTAINERS):
        log = names.log_dir(_LAB) / f"bench-{word}-{number}.log"
        config = ContainerConfig(f"c{number}", image, command=argv, log_path=str(log))
        began = time.perf_counter()
        made = await client.create_container(sandbox.id, config)
        await client.start_container(made.id)
        took.append(time.perf_counter() - began)
    await client.remove_pod_sandbox(sandbox.id)
    await client.close()
    return took


async def _kill_pause() -> list[float]:
    client = connect.client(_LAB)
    runtime = RuntimeClient(names.runtime_socket(_LAB))
    main = {"name": "main", "image": "busybox", "command": ["sleep", "1000"]}
    pod: Obj = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "hurt", "namespace": "default"},
        "spec": {"containers": [main], "terminationGracePeriodSeconds": 0},
    }
    await client.create(PODS, pod)
    await wait_for(client, PODS, "hurt", "default", _ready_after(0), _DEADLINE)
    took = []
    for count in range(1, _KILLS + 1):
        sandboxes = await runtime.list_pod_sandboxes("node1")
        newest = max(sandboxes, key=lambda one: one.config.attempt)
        began = time.perf_counter()
        os.kill(newest.pid, signal.SIGKILL)
        await wait_for(client, PODS, "hurt", "default", _ready_after(count), _DEADLINE)
        took.append(time.perf_counter() - began)
    await runtime.close()
    await client.transport.close()
    return took


def _ready_after(restarts: int) -> Callable[[Obj | None], bool]:
    def is_ready(obj: Obj | None) -> bool:
        if obj is None or not is_condition_true(obj, "Ready"):
            return False
        return bool(obj["status"]["containerStatuses"][0]["restartCount"] >= restarts)

    return is_ready


if __name__ == "__main__":
    main()
