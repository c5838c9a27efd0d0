"""Which container or sandbox of the runtime a path means: NAMESPACE/POD/CONTAINER."""

import time

from labctl.api import status
from labctl.api.objects import Obj, name, namespace, uid
from labctl.cri.messages import Container, Sandbox
from labctl.node.pods.container_status import (
    container_id,
    container_statuses,
    ephemeral_container_statuses,
    init_container_statuses,
)
from labctl.node.pods.memory import PodMemory
from labctl.node.pods.objects import PodObjects
from labctl.node.pods.phase import is_initialized


class Containers:
    """Containers by pod and name, from what the runtime has and the API says."""

    def __init__(self, memory: PodMemory, objects: PodObjects) -> None:
        self._memory = memory
        self._mirror = memory.mirror
        self._objects = objects

    def pods(self) -> list[Obj]:
        return list(self._objects)

    def running(self, space: str, pod: str, container: str) -> Container:
        """The container, running; raises StatusError (404) otherwise."""
        newest = next(iter(self.incarnations(space, pod, container)), None)
        if newest is None or newest.state != "running":
            raise status.failure(404, "NotFound", f'container not found ("{container}")')
        return newest

    def sandbox(self, space: str, pod: str) -> Sandbox:
        """The pod's sandbox, alive; raises StatusError (404) otherwise."""
        sandbox = self._memory.facts(self._pod_uid(space, pod)).sandbox
        if sandbox is None:
            raise status.failure(404, "NotFound", f'pod "{pod}" is not running')
        return sandbox

    def with_log(self, space: str, pod: str, container: str, *, previous: bool) -> Container:
        """The container whose log is meant; raises StatusError (400) if there is none."""
        known = self.incarnations(space, pod, container)
        obj = self._object(space, pod)
        if obj is None:  # the API has it no more, the runtime still does
            ids = {container_id(one) for one in known[int(previous) :][:1]}
        else:
            ids = {log_of(pod, container, self._status(obj, container), previous=previous)}
        for one in known:
            if container_id(one) in ids:
                return one
        text = f'unable to retrieve container logs for container "{container}" in pod "{pod}"'
        raise status.bad_request(text)

    def is_running(self, container: Container) -> bool:
        """Whether it still runs, or is still to be started."""
        uid = container.sandbox_id.rpartition("-")[0]
        now = [one for one in self._mirror.containers(uid) if one.id == container.id]
        return bool(now) and now[0].state != "exited"

    def incarnations(self, space: str, pod: str, container: str) -> list[Container]:
        """Newest first, of the newest pod of that name."""
        return self._memory.facts(self._pod_uid(space, pod)).incarnations(container)

    def _status(self, pod: Obj, container: str) -> Obj | None:
        """The container's status as it is now; the API may not have been told yet."""
        facts, now = self._memory.facts(uid(pod)), time.time()
        statuses = container_statuses(pod, facts, now, initialized=is_initialized(pod, facts))
        inits = init_container_statuses(pod, facts, now)
        every = (*statuses, *inits, *ephemeral_container_statuses(pod, facts, now))
        return next((one for one in every if one["name"] == container), None)

    def _object(self, space: str, pod: str) -> Obj | None:
        same = (obj for obj in self._objects if (namespace(obj), name(obj)) == (space, pod))
        return next(same, None)

    def _pod_uid(self, space: str, pod: str) -> str:
        obj = self._object(space, pod)
        if obj is not None:
            return uid(obj)
        sandboxes = [
            one
            for one in self._mirror.all_sandboxes()
            if (one.config.namespace, one.config.name) == (space, pod)
        ]
        newest = max(sandboxes, key=lambda one: one.created_at, default=None)
        if newest is None:
            raise status.failure(404, "NotFound", f'pod "{pod}" not found in namespace "{space}"')
        return newest.config.uid


def log_of(pod: str, container: str, told: Obj | None, *, previous: bool) -> str:
    """The id of the container whose log is meant, by the status `told`.

    As a kubelet has it (validateContainerLogStatus); raises StatusError (400) in its words.
    """
    which = f'container "{container}" in pod "{pod}"'
    if told is None:
        raise status.bad_request(f"{which} is not available")
    state, last = told["state"], told["lastState"].get("terminated")
    if previous:
        if last is None:
            raise status.bad_request(f"previous terminated {which} not found")
        return str(last["containerID"])
    if "running" in state:
        return str(told["containerID"])
    ended = state.get("terminated") or last
    if ended is None:
        raise status.bad_request(f"{which} is waiting to start: {state['waiting']['reason']}")
    return str(ended["containerID"])
