"""What a container costs, through the runtime's socket, in a sandbox that is there.

A stand-in, a process, and one of an image, run by the lab's runtime and by crun; and how long it
takes from the death of a pod's pause until the pod is Ready anew.
"""

import asyncio
import os
import signal
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.findings import Findings
from benchmarks.lab import Lab, running
from benchmarks.pods import DEADLINE
from benchmarks.rows import Row
from benchmarks.sizes import Sizes
from labctl import names
from labctl.api.kinds.core import PODS
from labctl.api.objects import Obj, is_condition_true
from labctl.client.wait import wait_for
from labctl.cri import ContainerConfig, RuntimeClient, SandboxConfig
from tests.images.layouts import busybox_image

_SLEEP, _IMAGE = ("sleep", "1000"), "busybox:bench"
_CONTAINERS, _KILLS = 100, 10

STAND_IN = Row("a stand-in, created and started", "ms")
PROCESS = Row("a process, created and started", "ms")
OF_IMAGE = Row("a process of an image", "ms")
BY_CRUN = Row("a process of an image, by crun", "ms")
ANEW = Row("pause killed, until the pod is Ready anew", "ms")


def containers(_sizes: Sizes, found: Findings) -> None:
    with running(1) as lab:
        with tempfile.TemporaryDirectory() as place:
            lab.output("image", "load", str(busybox_image(Path(place), _IMAGE)))
        asyncio.run(_measure(lab, found))


async def _measure(lab: Lab, found: Findings) -> None:
    found.add(STAND_IN, *await _start(lab, ()))
    found.add(PROCESS, *await _start(lab, _SLEEP))
    found.add(OF_IMAGE, *await _start(lab, _SLEEP, _IMAGE))
    found.add(BY_CRUN, *await _start(lab, _SLEEP, _IMAGE, "crun"))
    found.add(ANEW, *await _kill_pause(lab))


async def _start(
    lab: Lab, argv: tuple[str, ...], image: str = "", handler: str = ""
) -> list[float]:
    """Nobody's sandbox: the agent, who knows of no such pod, is not asked for it."""
    client = RuntimeClient(names.runtime_socket(lab.name))
    word = "-".join(filter(None, (*argv[:1], image.partition(":")[0], handler))) or "none"
    pod = SandboxConfig(word, "bench", f"uid-{word}", handler=handler)
    sandbox = await client.run_pod_sandbox(pod)
    took = []
    for number in range(_CONTAINERS):
        log = names.log_dir(lab.name) / f"bench-{word}-{number}.log"
        config = ContainerConfig(f"c{number}", image, command=argv, log_path=str(log))
        began = time.perf_counter()
        made = await client.create_container(sandbox.id, config)
        await client.start_container(made.id)
        took.append(1000 * (time.perf_counter() - began))
    await client.remove_pod_sandbox(sandbox.id)
    await client.close()
    return took


async def _kill_pause(lab: Lab) -> list[float]:
    client = lab.client()
    runtime = RuntimeClient(names.runtime_socket(lab.name))
    main = {"name": "main", "image": "busybox", "command": ["sleep", "1000"]}
    pod: Obj = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "hurt", "namespace": "default"},
        "spec": {"containers": [main], "terminationGracePeriodSeconds": 0},
    }
    await client.create(PODS, pod)
    await wait_for(client, PODS, "hurt", "default", _ready_after(0), DEADLINE)
    took = []
    for count in range(1, _KILLS + 1):
        sandboxes = await runtime.list_pod_sandboxes("node1")
        newest = max(sandboxes, key=lambda one: one.config.attempt)
        began = time.perf_counter()
        os.kill(newest.pid, signal.SIGKILL)
        await wait_for(client, PODS, "hurt", "default", _ready_after(count), DEADLINE)
        took.append(1000 * (time.perf_counter() - began))
    await runtime.close()
    return took


def _ready_after(restarts: int) -> Callable[[Obj | None], bool]:
    def is_ready(obj: Obj | None) -> bool:
        if obj is None or not is_condition_true(obj, "Ready"):
            return False
        return bool(obj["status"]["containerStatuses"][0]["restartCount"] >= restarts)

    return is_ready
