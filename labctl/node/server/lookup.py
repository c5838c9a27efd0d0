"""Which container of the runtime a path means: NAMESPACE/POD/CONTAINER."""

from labctl.api import status
from labctl.api.objects import Obj, name, namespace, uid
from labctl.cri.messages import Container
from labctl.node.pods.mirror import RuntimeMirror
from labctl.node.pods.objects import PodObjects


class Containers:
    """Containers by pod and name, from what the runtime has and the API says."""

    def __init__(self, mirror: RuntimeMirror, objects: PodObjects) -> None:
        self._mirror = mirror
        self._objects = objects

    def pods(self) -> list[Obj]:
        return list(self._objects)

    def running(self, space: str, pod: str, container: str) -> Container:
        """The container, running; raises StatusError (404) otherwise."""
        newest = next(iter(self.incarnations(space, pod, container)), None)
        if newest is None or newest.state != "running":
            raise status.failure(404, "NotFound", f'container not found ("{container}")')
        return newest

    def with_log(self, space: str, pod: str, container: str, *, previous: bool) -> Container:
        """The container whose log is meant; raises StatusError (400) if it never ran."""
        known = self.incarnations(space, pod, container)[int(previous) :]
        if known:
            return known[0]
        if previous:
            text = f'previous terminated container "{container}" in pod "{pod}" not found'
        else:
            text = f'container "{container}" in pod "{pod}" is waiting to start: ContainerCreating'
        raise status.bad_request(text)

    def is_running(self, container: Container) -> bool:
        """Whether it still runs, or is still to be started."""
        uid = container.sandbox_id.rpartition("-")[0]
        now = [one for one in self._mirror.containers(uid) if one.id == container.id]
        return bool(now) and now[0].state != "exited"

    def incarnations(self, space: str, pod: str, container: str) -> list[Container]:
        """Newest first, of the newest pod of that name."""
        pod_uid = self._pod_uid(space, pod)
        found = [one for one in self._mirror.containers(pod_uid) if one.config.name == container]
        return sorted(found, key=lambda one: one.config.attempt, reverse=True)

    def _pod_uid(self, space: str, pod: str) -> str:
        for obj in self._objects:
            if (namespace(obj), name(obj)) == (space, pod):
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
