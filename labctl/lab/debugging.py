"""A tool container in a pod that runs: added, waited for, and how it ended.

It is an ephemeral container, as `kubectl debug` makes them. Its image is the host's programs; it may
do what stays within the pod (privileged), since whoever looks for a fault will want to.
"""

import contextlib
import secrets
from collections.abc import Callable, Sequence

from labctl.api.kinds.core import PODS
from labctl.api.objects import Obj, name, namespace
from labctl.client.client import Client
from labctl.errors import LabError

IMAGE = "labctl.io/host-tools"

_LETTERS = "bcdfghjklmnpqrstvwxz2456789"  # Kubernetes' own, which spell no words
_STATUSES = "ephemeralContainerStatuses"


async def add_tool(
    client: Client, pod: Obj, target: str, command: Sequence[str], *, tty: bool
) -> str:
    """The new container's name. With a `target`, it sees that container's processes.

    LabError for a pod that has ended: nothing is started in it any more.
    """
    phase = (pod.get("status") or {}).get("phase")
    if phase in ("Succeeded", "Failed"):
        raise LabError(f"pod {name(pod)} has ended ({phase})")
    own = "debugger-" + "".join(secrets.choice(_LETTERS) for _ in range(5))
    container: Obj = {
        "name": own,
        "image": IMAGE,
        "command": list(command or ("sh",)),
        "stdin": True,
        "stdinOnce": True,  # what it says before somebody listens waits for them
        "tty": tty,
        "securityContext": {"privileged": True},
        **({"targetContainerName": target} if target else {}),
    }
    patch = {"spec": {"ephemeralContainers": [container]}}
    await client.patch(
        PODS, name(pod), patch, namespace(pod), subresource="ephemeralcontainers", type="strategic"
    )
    return own


async def until_begun(client: Client, pod: Obj, container: str) -> bool:
    """Returns once it runs (True) or has ended already (False); LabError if it cannot start."""

    def has_begun(state: Obj) -> bool:
        waiting = state.get("waiting") or {}
        if waiting.get("message"):
            raise LabError(f"container {container}: {waiting['message']}")
        return "running" in state or "terminated" in state

    return "running" in await _until(client, pod, container, has_begun)


async def until_ended(client: Client, pod: Obj, container: str) -> tuple[int, str]:
    """Its exit code, and why nothing was executed if nothing was."""
    state = await _until(client, pod, container, lambda state: "terminated" in state)
    ended = state["terminated"]
    unable = ended.get("reason") == "StartError"
    return int(ended["exitCode"]), ended.get("message", "") if unable else ""


async def _until(client: Client, pod: Obj, container: str, wanted: Callable[[Obj], bool]) -> Obj:
    """The container's state, as soon as it is as wanted."""
    events = client.watch(PODS, namespace(pod), fields=f"metadata.name={name(pod)}")
    async with contextlib.aclosing(events):
        async for event in events:
            if event.type == "DELETED":
                raise LabError(f"pod {name(pod)} was deleted")
            told = (event.object.get("status") or {}).get(_STATUSES) or ()
            for one in told:
                if one["name"] == container and wanted(one["state"]):
                    return dict(one["state"])
    raise LabError("the API server ended the watch")
