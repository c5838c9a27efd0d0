"""Killing what runs in a pod, as if it had crashed: a container's program, or the sandbox's pause."""

import contextlib
import os
import signal

from labctl.api.objects import Obj
from labctl.errors import LabError
from labctl.lab.sandboxes import sandbox_list

PAUSE = "pause"


async def find_sandbox(lab: str, namespace: str, pod: str) -> Obj:
    """The pod's living sandbox as `labctl ps` shows it; LabError when there is none."""
    for one in (await sandbox_list(lab))["items"]:
        if (one["namespace"], one["pod"], one["state"]) == (namespace, pod, "ready"):
            found: Obj = one
            return found
    raise LabError(f"pod {pod} has no sandbox that lives")


def traits(sandbox: Obj) -> dict[str, str]:
    """What tells a pod's sandbox and its containers from those before: pids and the address."""
    newest = {one["name"]: one for one in sandbox["containers"]}
    return {
        PAUSE: f"pid {sandbox['pid']}",
        "namespace": f"net:[{sandbox['inode']}]",
        "address": str(sandbox["ip"]),
        **{at: _incarnation(one) for at, one in newest.items()},
    }


def _incarnation(container: Obj) -> str:
    run = f"run {container['attempt'] + 1}"
    return f"{run}, pid {container['pid']}" if container["pid"] else run


async def kill(lab: str, namespace: str, pod: str, container: str = "") -> int:
    """SIGKILLs the container's program, or pause if none is named; its pid. Raises LabError."""
    pid = _pid(await find_sandbox(lab, namespace, pod), container)
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        raise LabError(f"pid {pid} has ended by itself") from None
    try:
        # Still the same, now that it is held: so the signal reaches nobody else.
        if _pid(await find_sandbox(lab, namespace, pod), container) != pid:
            raise LabError(f"pid {pid} has ended by itself")
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    finally:
        os.close(pidfd)
    return pid


def _pid(sandbox: Obj, container: str) -> int:
    if not container:
        return int(sandbox["pid"])
    found = [one for one in sandbox["containers"] if one["name"] == container]
    if not found:
        raise LabError(f"pod {sandbox['pod']} has no container {container}")
    if found[-1]["standIn"]:
        raise LabError(f"container {container} is a stand-in: there is no process to kill")
    if not found[-1]["pid"]:
        raise LabError(f"container {container} does not run")
    return int(found[-1]["pid"])
