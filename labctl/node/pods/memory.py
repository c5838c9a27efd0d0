"""What an agent remembers of its pods beyond API and runtime, and may forget without harm.

Lost with the agent: containers in a crash loop start once more at once, and a dead sandbox is
stopped a second time, which does nothing.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import msgspec

from labctl.cri.errors import CriError
from labctl.cri.messages import Container, ContainerConfig, Sandbox
from labctl.node.pods.crash_backoff import CrashBackoff, Delays
from labctl.node.pods.facts import Failure, PodFacts
from labctl.node.pods.image_backoff import REASONS, ImageBackoff
from labctl.node.pods.mirror import RuntimeMirror
from labctl.node.probes.health import Health

MOUNTING = (
    "ContainerCreating"  # what the status says of a container whose volumes are not to be had
)


class PodMemory:
    """Completes what the runtime has into the facts that `plan` and `status` work with."""

    def __init__(self, mirror: RuntimeMirror, delays: Callable[[], Delays] = Delays) -> None:
        self.mirror = mirror
        self.attached: set[str] = set()
        self.stopped: set[str] = set()
        self.stopping: dict[str, float] = {}
        self.healths: dict[str, Health] = {}
        self.starting: set[str] = set()
        """Containers whose postStart hook runs: until it has ended, they count as not started."""
        self.expired: set[str] = set()
        """Pods whose deadline has been told to be over."""
        self.evicted: dict[str, str] = {}
        """Why pods must leave the node."""
        self._failures: dict[str, dict[str, Failure]] = {}
        self._announced: set[str] = set()
        self._unwritable: set[str] = set()
        self._backoff = CrashBackoff(delays)
        self._images = ImageBackoff(delays)

    def facts(self, uid: str) -> PodFacts:
        sandboxes = self.mirror.sandboxes(uid)
        containers = tuple(map(self._as_told, self.mirror.containers(uid)))
        ids = {one.id for one in sandboxes}
        return PodFacts(
            sandboxes=sandboxes,
            containers=containers,
            attached=frozenset(self.attached & ids),
            stopped=frozenset(self.stopped & ids),
            stopping={
                one.id: self.stopping[one.id] for one in containers if one.id in self.stopping
            },
            delays=dict(self._delays(uid, containers)),
            failures=dict(self._failures.get(uid, {})),
            healths={one.id: self.healths[one.id] for one in containers if one.id in self.healths},
            eviction=self.evicted.get(uid, ""),
        )

    def _as_told(self, container: Container) -> Container:
        if container.id in self.starting and container.state == "running":
            return msgspec.structs.replace(container, state="created")
        return container

    def failed(self, uid: str, container: str, failure: Failure) -> None:
        self._failures.setdefault(uid, {})[container] = failure

    def image_failed(self, uid: str, config: ContainerConfig, error: CriError) -> Failure:
        """Its image is not to be had; what the container is told of that."""
        now = time.time()
        failure = self._images.failed(uid, config.image, error.reason, error.message, now)
        self.failed(uid, config.name, failure)
        return failure

    def sources_changed(self, uid: str) -> bool:
        """What a pod's volumes hold is another now: whether a container waited for that."""
        waiting = False
        for container, failure in self._failures.get(uid, {}).items():
            if failure.reason == MOUNTING and failure.until:
                self._failures[uid][container] = replace(failure, until=0.0)
                waiting = True
        return waiting

    def images_changed(self) -> list[str]:
        """Other images are to be had now: the pods that wait for one, which need wait no longer."""
        waiting = []
        for uid, failures in self._failures.items():
            for container, failure in failures.items():
                if failure.reason in REASONS:
                    failures[container] = replace(failure, until=0.0)
                    waiting.append(uid)
        return waiting

    def created(self, uid: str, container: str, before: Container | None) -> None:
        """A container was created, in place of `before` if that had crashed."""
        self._failures.get(uid, {}).pop(container, None)
        if before is not None:
            self._backoff.restarted(uid, container, before.finished_at, time.time())

    def taken_down(self, sandbox: Sandbox) -> None:
        """A sandbox is gone whole; what failed in it may do better in the next."""
        self.stopped.add(sandbox.id)
        self._failures.pop(sandbox.config.uid, None)

    def crashed(self, facts: PodFacts) -> Iterator[Container]:
        """Containers that wait in back-off and were not told of yet."""
        for name in facts.delays:
            newest = facts.newest(name)
            if newest is not None and newest.state == "exited" and newest.id not in self._announced:
                self._announced.add(newest.id)
                yield newest

    def log_errors(self, facts: PodFacts) -> Iterator[Container]:
        """Containers whose log has begun to fail and of which that was not told yet."""
        for one in facts.containers:
            if not one.log_error:
                self._unwritable.discard(one.id)
            elif one.id not in self._unwritable:
                self._unwritable.add(one.id)
                yield one

    def forget_sandbox(self, sandbox_id: str, containers: Iterable[Container]) -> None:
        self.attached.discard(sandbox_id)
        self.stopped.discard(sandbox_id)
        for one in containers:
            self.forget_container(one.id)

    def forget_container(self, container_id: str) -> None:
        self.stopping.pop(container_id, None)
        self.healths.pop(container_id, None)
        self._announced.discard(container_id)
        self._unwritable.discard(container_id)

    def forget_pod(self, uid: str) -> None:
        self._backoff.forget(uid)
        self._images.forget(uid)
        self.expired.discard(uid)
        self.evicted.pop(uid, None)
        self._failures.pop(uid, None)

    def _delays(self, uid: str, containers: Iterable[Container]) -> Iterator[tuple[str, float]]:
        newest = {one.config.name: one for one in containers}
        for name, one in newest.items():
            if one.state == "exited":
                delay = self._backoff.delay(uid, name, one.finished_at)
                if delay:
                    yield name, delay
