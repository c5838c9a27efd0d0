"""emptyDir.sizeLimit on disk: a pod that holds more is evicted (kubelet: eviction_manager.go).

A directory has no limit of its own, so what is in it is counted now and then, as a kubelet does, and
for pods that ask for a limit only. The kernel sees to those of the medium Memory, at every write.
"""

import asyncio
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from labctl import names
from labctl.api.objects import Obj
from labctl.api.quantity import parse_quantity
from labctl.client.reconciler import Reconciler
from labctl.node.pods.memory import PodMemory
from labctl.node.pods.objects import PodObjects
from labctl.node.pods.phase import TERMINAL
from labctl.node.pods.teller import PodTeller

_CRITICAL = 2_000_000_000  # the least priority of pods that are never evicted
_BLOCK = 512  # bytes, of st_blocks


class SizeLimits:
    """Looks at the volumes of the pods in `objects` every `seconds()`; `changed(uid)` is told of an
    eviction.
    """

    def __init__(
        self,
        lab: str,
        objects: PodObjects,
        memory: PodMemory,
        teller: PodTeller,
        seconds: Callable[[], float],
        changed: Callable[[str], None],
    ) -> None:
        self._lab = lab
        self._objects = objects
        self._memory = memory
        self._teller = teller
        self._seconds = seconds
        self._changed = changed
        self._queue = Reconciler("size limits", self._measure)

    def look(self, pod_uid: str) -> None:
        """A pod came or changed."""
        if limited_volumes(self._objects.get(pod_uid)):
            self._queue.mark_after(pod_uid, self._seconds())

    async def run(self) -> None:
        await self._queue.run()

    async def _measure(self, pod_uid: str) -> float | None:
        pod = self._objects.get(pod_uid)
        limits = limited_volumes(pod)
        if pod is None or not limits:
            return None
        volumes = names.pod_volume_dir(self._lab, pod_uid)
        for volume, limit in limits.items():
            used = await asyncio.to_thread(disk_usage, volumes / volume)
            if used > parse_quantity(limit):
                self._evict(pod_uid, pod, exceeded(volume, limit))
                return None
        return self._seconds()

    def _evict(self, pod_uid: str, pod: Obj, why: str) -> None:
        if pod_uid not in self._memory.evicted:
            self._memory.evicted[pod_uid] = why
            self._teller.evicted(pod, why)
            self._changed(pod_uid)


def limited_volumes(pod: Obj | None) -> dict[str, str]:
    """The limits of a pod's emptyDirs on disk, by their names; none of a pod that is not evicted."""
    volumes = (pod["spec"].get("volumes") or ()) if pod is not None else ()
    if pod is None or not volumes or (pod["spec"].get("priority") or 0) >= _CRITICAL:
        return {}
    if (pod.get("status") or {}).get("phase") in TERMINAL:
        return {}
    return dict(_limits(volumes))


def _limits(volumes: list[Obj]) -> Iterator[tuple[str, str]]:
    for volume in volumes:
        wanted = volume.get("emptyDir") or {}
        limit = str(wanted.get("sizeLimit") or 0)
        if wanted.get("medium") != "Memory" and parse_quantity(limit):
            yield volume["name"], limit


def exceeded(volume: str, limit: str) -> str:
    """The kubelet's sentence."""
    return f'Usage of EmptyDir volume "{volume}" exceeds the limit "{limit}". '


def disk_usage(directory: Path) -> int:
    """Bytes on the disk, as du(1) counts them: of a file with two names once, of holes nothing."""
    counted: set[tuple[int, int]] = set()
    used = 0
    for at, _, files in os.walk(directory):
        for path in (at, *(os.path.join(at, file) for file in files)):
            try:
                found = os.lstat(path)
            except FileNotFoundError:
                continue
            if (identity := (found.st_dev, found.st_ino)) not in counted:
                counted.add(identity)
                used += found.st_blocks * _BLOCK
    return used
