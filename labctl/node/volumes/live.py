"""Keeps what the API fills in pods' volumes like the API, for as long as the pods are there.

What changes is told by watches; a kubelet goes through all pods once a minute besides. A volume that
lacks something keeps what it had. subPath mounts hold the file that was there when the container was
made, as everywhere.
"""

import time
from collections.abc import Callable, Iterator

from labctl.api.objects import Obj, namespace
from labctl.client.client import Client
from labctl.client.reconciler import Reconciler
from labctl.node.place import Place
from labctl.node.pods.downward import Surroundings
from labctl.node.pods.facts import containers_of, ephemeral_containers_of, init_containers_of
from labctl.node.pods.memory import PodMemory
from labctl.node.pods.objects import PodObjects
from labctl.node.pods.phase import TERMINAL
from labctl.node.pods.sources import Sources, Token, volume_references
from labctl.node.pods.teller import PodTeller
from labctl.node.volumes.files import is_filled
from labctl.node.volumes.mounts import MountFailed, refill
from labctl.node.volumes.tokens import Tokens
from labctl.node.volumes.watched import Key, WatchedObjects

_WORKERS = 4
_RETRY_SECONDS = 10.0  # when a token that could not be renewed is asked for again


class LiveVolumes:
    """The volumes of the pods in `objects`; a pod that mounts none of the kind costs nothing.

    `changed(uid)` is told when what a pod waited for is there.
    """

    def __init__(
        self,
        place: Place,
        client: Client,
        objects: PodObjects,
        memory: PodMemory,
        tokens: Tokens,
        teller: PodTeller,
        changed: Callable[[str], None],
    ) -> None:
        self._place = place
        self._objects = objects
        self._memory = memory
        self._tokens = tokens
        self._teller = teller
        self._queue = Reconciler("volumes", self._refresh, workers=_WORKERS)
        self._changed = changed
        self._watched = WatchedObjects(client, self._source_changed)

    def look(self, pod_uid: str) -> None:
        """A pod came, changed or went, or a container was made in it."""
        pod = self._objects.get(pod_uid)
        volumes = filled_volumes(pod)
        self._watched.hold(pod_uid, _keys(pod, volumes) if pod else ())
        if volumes:
            self._queue.mark(pod_uid)
        else:
            self._tokens.forget(pod_uid)

    async def run(self) -> None:
        await self._queue.run()

    async def close(self) -> None:
        await self._watched.close()

    def _source_changed(self, pod_uid: str) -> None:
        self._queue.mark(pod_uid)
        if self._memory.sources_changed(pod_uid):
            self._changed(pod_uid)

    async def _refresh(self, pod_uid: str) -> float | None:
        pod = self._objects.get(pod_uid)
        volumes = filled_volumes(pod)
        if pod is None or not volumes or not self._watched.known(pod_uid):
            return None
        sources = await self._sources(pod, volumes)
        for volume in volumes:
            try:
                refill(self._place.lab, pod, volume, self._around(pod_uid), sources)
            except MountFailed as error:
                self._teller.mount_failed(pod, error.message)
        due = self._tokens.due(pod_uid)
        return None if due is None else max(due - time.time(), _RETRY_SECONDS)

    async def _sources(self, pod: Obj, volumes: list[Obj]) -> Sources:
        found = {key: self._watched.get(key) for key in _keys(pod, volumes)}
        objects = {(kind, at): obj for (kind, _, at), obj in found.items() if obj is not None}
        wanted = [one for volume in volumes for one in volume_references(volume)]
        tokens = [one for one in wanted if isinstance(one, Token)]
        return Sources(objects, {one: await self._tokens.valid(pod, one) for one in tokens})

    def _around(self, pod_uid: str) -> Surroundings:
        sandbox = self._memory.facts(pod_uid).sandbox
        host = self._place.address
        return Surroundings(
            (sandbox.config.ip if sandbox else "") or host, host, self._place.capacity
        )


def filled_volumes(pod: Obj | None) -> list[Obj]:
    """The volumes that the API fills and that some container mounts; none of a pod that has ended."""
    volumes = [one for one in _volumes(pod) if is_filled(one)]
    if pod is None or not volumes or (pod.get("status") or {}).get("phase") in TERMINAL:
        return []
    kinds = (init_containers_of(pod), containers_of(pod), ephemeral_containers_of(pod))
    mounts = (each.get("volumeMounts") or () for kind in kinds for each in kind)
    mounted = {one["name"] for some in mounts for one in some}
    return [one for one in volumes if one["name"] in mounted]


def _volumes(pod: Obj | None) -> list[Obj]:
    return (pod["spec"].get("volumes") or []) if pod is not None else []


def _keys(pod: Obj, volumes: list[Obj]) -> Iterator[Key]:
    for volume in volumes:
        for reference in volume_references(volume):
            if not isinstance(reference, Token):
                kind, at = reference
                yield kind, namespace(pod), at
