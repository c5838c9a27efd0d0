"""A pod's containers: created with all that they refer to, started, stopped, removed.

postStart and preStop run here, around the runtime's verbs: the first right after the start, the
second within the grace of the end.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from msgspec.structs import replace

from labctl.api.objects import Obj, uid
from labctl.client.client import Client
from labctl.cri import log_files
from labctl.cri.client import RuntimeClient
from labctl.cri.errors import FAILED_PRECONDITION, CriError, RuntimeUnavailable
from labctl.cri.messages import Container, ContainerConfig, Sandbox
from labctl.errors import StatusError
from labctl.node.background import Background
from labctl.node.place import Place
from labctl.node.pods.container_config import container_config
from labctl.node.pods.downward import Surroundings
from labctl.node.pods.facts import (
    Failure,
    containers_of,
    ephemeral_containers_of,
    init_containers_of,
)
from labctl.node.pods.hooks import run_hook
from labctl.node.pods.image_backoff import REASONS
from labctl.node.pods.memory import MOUNTING, PodMemory
from labctl.node.pods.security import not_applied
from labctl.node.pods.sources import MissingSource, read_sources, references
from labctl.node.pods.teller import PodTeller
from labctl.node.probes.asking import Subject
from labctl.node.volumes.mounts import MountFailed, mounts_of
from labctl.node.volumes.tokens import Tokens

_STOP_RETRY_SECONDS = 1.0
_MISSING_SECONDS = 2.0  # when a ConfigMap or Secret that was missing is looked for again
_RETRY_SECONDS = 10.0  # kubelet's back-off for a container that could not be created
_LEAST_GRACE = 2.0  # what is left to a container whose preStop hook used all of its time

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ContainerExecutor:
    """`changed(uid)` is told when something slow has ended; `only_images` says whether nothing but
    loaded images may run.
    """

    place: Place
    client: Client
    runtime: RuntimeClient
    memory: PodMemory
    tokens: Tokens
    teller: PodTeller
    background: Background
    changed: Callable[[str], None]
    only_images: Callable[[], bool]

    async def create(self, pod: Obj, container: str, attempt: int, sandbox: Sandbox) -> None:
        spec = _spec(pod, container)
        config = await self._container_config(pod, spec, attempt, sandbox)
        if config is None:
            return
        before = self.memory.facts(uid(pod)).newest(container)
        try:
            made = await self.runtime.create_container(sandbox.id, config)
        except RuntimeUnavailable:
            raise
        except CriError as error:
            if error.reason == FAILED_PRECONDITION:
                await self._look_at_sandboxes()
                return
            if error.reason in REASONS:
                failure = self.memory.image_failed(uid(pod), config, error)
                self.teller.image_failed(pod, config.image, failure.reason, error.message)
                return
            self.teller.container_failed(pod, error.message)
            until = time.time() + _RETRY_SECONDS
            self.memory.failed(uid(pod), container, Failure(error.reason, error.message, until))
            return
        self.memory.mirror.put_container(made)
        crashed = before is not None and before.sandbox_id == sandbox.id
        self.memory.created(uid(pod), container, before if crashed else None)
        self.teller.created(pod, made)
        if not made.stand_in:
            self.teller.not_applied(pod, made, (*not_applied(pod, spec), *made.notes))

    async def _container_config(
        self, pod: Obj, spec: Obj, attempt: int, sandbox: Sandbox
    ) -> ContainerConfig | None:
        """None if something that the container refers to is missing, which is told then."""
        lab, host = self.place.lab, self.place.address
        around = Surroundings(sandbox.config.ip or host, host, self.place.capacity)
        try:
            wanted = references(pod, spec)
            sources = await read_sources(self.client, self.tokens.valid, pod, wanted)
            mounts = mounts_of(lab, pod, spec, around, sources)
            config = container_config(lab, pod, spec, attempt, around, sources, mounts)
            return replace(config, only_images=self.only_images())
        except MountFailed as error:
            self.teller.mount_failed(pod, error.message)
            failure = Failure(MOUNTING, "", time.time() + _MISSING_SECONDS)
        except (MissingSource, StatusError) as error:
            self.teller.container_failed(pod, error.message)
            until = time.time() + _MISSING_SECONDS
            failure = Failure("CreateContainerConfigError", error.message, until)
        self.memory.failed(uid(pod), spec["name"], failure)
        return None

    async def _look_at_sandboxes(self) -> None:
        """One died, and the event that says so is still under way."""
        for sandbox in await self.runtime.list_pod_sandboxes(self.place.node):
            self.memory.mirror.put_sandbox(sandbox)

    async def start(self, pod: Obj, container: Container) -> None:
        hook = _hook(pod, container, "postStart")
        if hook:
            self.memory.starting.add(container.id)
        try:
            await self._start(pod, container, hook)
        finally:
            self.memory.starting.discard(container.id)

    async def _start(self, pod: Obj, container: Container, hook: Obj) -> None:
        try:
            started = await self.runtime.start_container(container.id)
        except RuntimeUnavailable:
            raise
        except CriError as error:
            self.teller.container_failed(pod, error.message)
            started = await self.runtime.container_status(container.id)
            if started.state == "created":
                raise
        else:
            self.teller.started(pod, started)
        self.memory.mirror.put_container(started)
        if hook and started.state == "running":
            await self._run_post_start(pod, started, hook)

    async def _run_post_start(self, pod: Obj, started: Container, hook: Obj) -> None:
        """A container whose hook fails is ended, to be treated as any that ended."""
        why = await run_hook(hook, self._subject(pod, started), self.runtime)
        if why:
            self.teller.hook_failed(pod, "PostStart", why)
            deadline = time.time() + float(pod["spec"].get("terminationGracePeriodSeconds", 30))
            self.teller.stopping(pod, started)
            self.memory.stopping[started.id] = deadline
            await self._wait_for_end(uid(pod), pod, started, deadline)

    def stop(
        self, pod_uid: str, pod: Obj | None, container: Container, deadline: float, failed: str
    ) -> None:
        """Begins to end a container; `failed` is the probe because of which it shall start anew."""
        if container.id not in self.memory.stopping and pod is not None:
            self.teller.stopping(pod, container, failed)
        self.memory.stopping[container.id] = deadline
        self.background.spawn(self._wait_for_end(pod_uid, pod, container, deadline))

    async def _wait_for_end(
        self, pod_uid: str, pod: Obj | None, container: Container, deadline: float
    ) -> None:
        """Beside everything else: a grace of half a minute must not hold up other pods."""
        try:
            if pod is not None:
                deadline = await self._run_pre_stop(pod, container, deadline)
            grace = max(0.0, deadline - time.time())
            self.memory.mirror.put_container(await self.runtime.stop_container(container.id, grace))
        except CriError as error:
            _log.warning("stop container %s: %s", container.id, error.message)
            await asyncio.sleep(_STOP_RETRY_SECONDS)
        finally:
            self.memory.stopping.pop(container.id, None)
            self.changed(pod_uid)

    async def _run_pre_stop(self, pod: Obj, container: Container, deadline: float) -> float:
        """Runs the hook within the grace; returns the deadline, moved if the hook left too little.

        A deletion that gives no time gives none to a hook either. An end that was hastened
        meanwhile (a second deletion with less grace) comes as a further stop, beside this one.
        """
        hook, left = _hook(pod, container, "preStop"), deadline - time.time()
        if not hook or left <= 0:
            return deadline
        try:
            async with asyncio.timeout(left):
                why = await run_hook(hook, self._subject(pod, container), self.runtime)
        except TimeoutError:
            why = "it took longer than the grace period"
        if why:
            self.teller.hook_failed(pod, "PreStop", why)
        return max(deadline, time.time() + _LEAST_GRACE)

    def _subject(self, pod: Obj, container: Container) -> Subject:
        sandbox = self.memory.facts(uid(pod)).sandbox
        address = (sandbox.config.ip if sandbox else "") or self.place.address
        return Subject(_spec(pod, container.config.name), container, address)

    async def remove(self, container: Container) -> None:
        await self.runtime.remove_container(container.id)
        log_files.remove(container.config.log_path)
        self.memory.mirror.drop_container(container.id)
        self.memory.forget_container(container.id)


def _spec(pod: Obj, container: str) -> Obj:
    return next(one for one in _specs(pod) if one["name"] == container)


def _specs(pod: Obj) -> Iterator[Obj]:
    yield from init_containers_of(pod)
    yield from containers_of(pod)
    yield from ephemeral_containers_of(pod)


def _hook(pod: Obj, container: Container, kind: str) -> Obj:
    """The container's hook of that kind, {} if it has none."""
    specs = (one for one in _specs(pod) if one["name"] == container.config.name)
    found: Obj = (next(specs, {}).get("lifecycle") or {}).get(kind) or {}
    return found
