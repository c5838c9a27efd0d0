"""The keeper as work beside others: begun when there is a fabric, begun anew when it fails."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Collection

from labctl import names
from labctl.api.objects import Obj
from labctl.client.client import Client
from labctl.client.events import EventRecorder
from labctl.client.unix import UnixTransport
from labctl.errors import LabError
from labctl.fabric.keeper import Keeper, Wish, own_namespaces
from labctl.net.namespaces import is_netns, netns_path

_RETRY_SECONDS = 0.5

_log = logging.getLogger(__name__)


async def keep(lab: str, wish: Wish, cut: Callable[[], Collection[str]]) -> None:
    """Keeps the fabric of a lab until cancelled. What was mended is told in Events."""
    client = Client(UnixTransport(names.api_socket(lab)))
    recorder = EventRecorder(client, "labctl-fabric")

    def told(sentence: str, node: str) -> None:
        recorder.event(_subject(lab, node), "Warning", "NetworkHealed", sentence)

    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(recorder.run())
            while True:
                with contextlib.suppress(LabError, OSError):
                    spec = wish()
                    if spec is not None and _is_there(lab):
                        await _keep(Keeper(spec, wish, cut, told))
                await asyncio.sleep(_RETRY_SECONDS)
    finally:
        await client.transport.close()


async def _keep(keeper: Keeper) -> None:
    try:
        await keeper.run()
    except Exception:
        _log.exception("the keeper of the fabric begins anew")
        raise
    finally:
        keeper.close()


def _is_there(lab: str) -> bool:
    return all(is_netns(netns_path(name)) for name in own_namespaces(lab))


def _subject(lab: str, node: str) -> Obj:
    """Whom an Event is about. A kubelet, too, knows its Node by the name alone."""
    kind, version, name = ("Node", "v1", node) if node else ("Lab", "labctl.io/v1alpha1", lab)
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "uid": name}}
