"""The nodes of a lab as its API sees them: until all are Ready, and how one leaves."""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Callable, Iterable

from labctl.api.kinds.coordination import LEASES
from labctl.api.kinds.core import NODES, PODS
from labctl.api.objects import Obj, condition, controller_of, key, name, namespace, parse_time
from labctl.client.client import Client
from labctl.errors import LabError, StatusError
from labctl.lab.progress import Progress

_RETRY_SECONDS = 0.01
_DRAIN_SECONDS = 60.0
_LEASES_NAMESPACE = "kube-node-lease"


def is_ready(node: Obj, since: float = 0.0) -> bool:
    """Whether the node's agent said Ready, and said so after `since` (seconds of the epoch)."""
    ready = condition(node, "Ready")
    if ready is None or ready.get("status") != "True":
        return False
    heartbeat = ready.get("lastHeartbeatTime")
    return since == 0.0 or (heartbeat is not None and parse_time(heartbeat) >= int(since))


async def wait_for_api(client: Client, seconds: float) -> None:
    """Returns when the API answers; LabError after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            await client.transport.request("GET", "/readyz")
        except StatusError as error:
            if time.monotonic() > deadline:
                raise LabError(f"the API does not answer: {error.message}") from error
            await asyncio.sleep(_RETRY_SECONDS)
        else:
            return


async def wait_ready(
    client: Client,
    wanted: Iterable[str],
    is_good: Callable[[Obj], bool],
    seconds: float,
    progress: Progress,
) -> None:
    """Returns when `is_good` holds of all wanted nodes; LabError names those of which not."""
    missing = set(wanted)
    total = len(missing)
    try:
        async with asyncio.timeout(seconds):
            while missing:
                async for node in _changes(client):
                    if name(node) in missing and is_good(node):
                        missing.discard(name(node))
                        progress.count("nodes Ready", total - len(missing), total)
                    if not missing:
                        break
    except TimeoutError:
        left = ", ".join(sorted(missing))
        raise LabError(f"not Ready after {seconds:g} s: {left}") from None


async def _changes(client: Client) -> AsyncGenerator[Obj, None]:
    """Every node as it is now, then as it changes, until the watch ends."""
    async with contextlib.aclosing(client.watch(NODES)) as events:
        async for event in events:
            if event.type in ("ADDED", "MODIFIED"):
                yield event.object


async def drain(client: Client, node: str) -> set[str]:
    """Deletes the node's pods and returns when its agent has taken them down.

    Returns those that have no controller: nobody makes them again elsewhere.
    """
    bare = set[str]()
    await client.patch(NODES, node, {"spec": {"unschedulable": True}})
    selector = f"spec.nodeName={node}"
    deadline = time.monotonic() + _DRAIN_SECONDS
    while pods := (await client.list(PODS, fields=selector)).items:
        if time.monotonic() > deadline:
            raise LabError(f"the pods of {node} do not end: {', '.join(map(name, pods))}")
        bare.update(key(pod) for pod in pods if controller_of(pod) is None)
        for pod in pods:
            with contextlib.suppress(StatusError):
                await client.delete(PODS, name(pod), namespace(pod), grace=1)
        await asyncio.sleep(0.1)
    return bare


async def forget(client: Client, node: str) -> None:
    """Deletes the Node and its Lease."""
    for resource, space in ((NODES, ""), (LEASES, _LEASES_NAMESPACE)):
        with contextlib.suppress(StatusError):
            await client.delete(resource, node, space)
