"""Carries out the actions of a plan: the thin shell around runtime, network and API.

Each action brings the mirror up to date with what it did, so that the next plan sees it without
waiting for an event. What fails is told as an Event and raised again; the caller decides when to
try once more.
"""

import asyncio
import contextlib
import logging
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from labctl import names
from labctl.api.kinds.core import PODS
from labctl.api.objects import Obj, name, namespace, uid
from labctl.client.client import Client
from labctl.cri.client import RuntimeClient
from labctl.cri.errors import FAILED_PRECONDITION, CriError, RuntimeUnavailable
from labctl.cri.messages import Container, ContainerConfig, Sandbox
from labctl.errors import LabError, StatusError
from labctl.node.background import Background
from labctl.node.network import Network
from labctl.node.network_watcher import NetworkWatcher
from labctl.node.place import Place
from labctl.node.pods import actions
from labctl.node.pods.container_config import container_config, sandbox_config
from labctl.node.pods.downward import Surroundings
from labctl.node.pods.facts import (
    Failure,
    containers_of,
    init_containers_of,
    is_host_network,
)
from labctl.node.pods.memory import PodMemory
from labctl.node.pods.objects import PodObjects
from labctl.node.pods.sources import MissingSource, read_sources, references
from labctl.node.pods.status_writer import StatusWriter
from labctl.node.pods.teller import PodTeller
from labctl.node.snapshot import port_of
from labctl.node.volumes.directory import remove
from labctl.node.volumes.mounts import MountFailed, mounts_of

_STOP_RETRY_SECONDS = 1.0
_MISSING_SECONDS = 2.0  # when a ConfigMap or Secret that was missing is looked for again
_RETRY_SECONDS = 10.0  # kubelet's back-off for a container that could not be created

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Executor:
    """Does what plans say. `changed(uid)` is told when something slow has ended."""

    place: Place
    client: Client
    runtime: RuntimeClient
    network: Network
    watcher: NetworkWatcher
    memory: PodMemory
    objects: PodObjects
    status: StatusWriter
    teller: PodTeller
    background: Background
    changed: Callable[[str], None]

    async def execute(self, pod_uid: str, pod: Obj | None, action: actions.Action) -> None:
        """One action for a pod; `pod` is None where the API has it no more. Raises LabError."""
        match action:
            case actions.StopContainer(container, deadline, failed):
                self._announce_stop(pod, container, failed)
                self.memory.stopping[container.id] = deadline
                self.background.spawn(self._wait_for_end(pod_uid, container, deadline))
            case actions.RemoveContainer(container):
                await self._remove_container(container)
            case actions.StopSandbox(sandbox):
                await self._stop_sandbox(pod, sandbox)
            case actions.RemoveSandbox(sandbox):
                await self._remove_sandbox(sandbox, last=pod is None)
            case _ if pod is not None:
                await self._execute_for(pod, action)

    async def _execute_for(self, pod: Obj, action: actions.Action) -> None:
        match action:
            case actions.RunSandbox(attempt):
                with self._telling_of_sandbox(pod):
                    await self._run_sandbox(pod, attempt)
            case actions.Attach(sandbox):
                with self._telling_of_sandbox(pod):
                    self._attach(sandbox)
            case actions.CreateContainer(container, attempt, sandbox):
                await self._create_container(pod, container, attempt, sandbox)
            case actions.StartContainer(container):
                await self._start_container(pod, container)
            case actions.DeleteObject():
                await self._delete_object(pod)

    async def _run_sandbox(self, pod: Obj, attempt: int) -> None:
        if attempt:
            self.teller.sandbox_changed(pod)
        owner = names.sandbox_id(uid(pod), attempt)
        address = "" if is_host_network(pod) else self.network.take_address(owner)
        config = sandbox_config(pod, attempt, self.place.node, address)
        try:
            sandbox = await self.runtime.run_pod_sandbox(config)
        except RuntimeUnavailable:
            raise  # perhaps it runs: the address stays its own
        except CriError:
            self.network.release_address(owner)
            raise
        self.memory.mirror.put_sandbox(sandbox)
        self._attach(sandbox)

    def _attach(self, sandbox: Sandbox) -> None:
        port = port_of(sandbox)
        if port is not None:
            self.network.attach(port)
        self.memory.attached.add(sandbox.id)

    async def _stop_sandbox(self, pod: Obj | None, sandbox: Sandbox) -> None:
        """Off the network first: nothing must answer for an address that is about to be free."""
        port = port_of(sandbox)
        self.memory.attached.discard(sandbox.id)
        try:
            if port is None:
                await self.runtime.stop_pod_sandbox(sandbox.id)
            else:
                async with self.watcher.departure(port):
                    await self.runtime.stop_pod_sandbox(sandbox.id)
                self.network.release_address(sandbox.id)
        except LabError as error:
            if pod is not None:
                self.teller.kill_failed(pod, error.message)
            raise
        self.memory.taken_down(sandbox)

    async def _remove_sandbox(self, sandbox: Sandbox, *, last: bool) -> None:
        config = sandbox.config
        containers = self.memory.mirror.containers(config.uid)
        await self.runtime.remove_pod_sandbox(sandbox.id)
        self.memory.mirror.drop_sandbox(sandbox.id)
        held = [one for one in containers if one.sandbox_id == sandbox.id]
        self.memory.forget_sandbox(sandbox.id, held)
        if last:
            logs = names.pod_log_dir(self.place.lab, config.namespace, config.name, config.uid)
            shutil.rmtree(logs, ignore_errors=True)
            remove(names.pod_volume_dir(self.place.lab, config.uid))

    def forget(self, pod_uid: str) -> None:
        """Nothing is left of the pod, here or in the API."""
        self.memory.forget_pod(pod_uid)
        self.network.release_pod(pod_uid)

    async def _create_container(
        self, pod: Obj, container: str, attempt: int, sandbox: Sandbox
    ) -> None:
        specs = (*init_containers_of(pod), *containers_of(pod))
        spec = next(one for one in specs if one["name"] == container)
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
            self.teller.container_failed(pod, error.message)
            until = time.time() + _RETRY_SECONDS
            self.memory.failed(uid(pod), container, Failure(error.reason, error.message, until))
            return
        self.memory.mirror.put_container(made)
        crashed = before is not None and before.sandbox_id == sandbox.id
        self.memory.created(uid(pod), container, before if crashed else None)
        self.teller.created(pod, made)

    async def _container_config(
        self, pod: Obj, spec: Obj, attempt: int, sandbox: Sandbox
    ) -> ContainerConfig | None:
        """None if something that the container refers to is missing, which is told then."""
        lab, host = self.place.lab, self.place.address
        around = Surroundings(sandbox.config.ip or host, host, self.place.capacity)
        try:
            sources = await read_sources(self.client, pod, references(pod, spec))
            mounts = mounts_of(lab, pod, spec, around, sources)
            return container_config(lab, pod, spec, attempt, around, sources, mounts)
        except MountFailed as error:
            self.teller.mount_failed(pod, error.message)
            failure = Failure("ContainerCreating", "", time.time() + _MISSING_SECONDS)
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

    async def _start_container(self, pod: Obj, container: Container) -> None:
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

    def _announce_stop(self, pod: Obj | None, container: Container, failed: str) -> None:
        if container.id not in self.memory.stopping and pod is not None:
            self.teller.stopping(pod, container, failed)

    async def _wait_for_end(self, pod_uid: str, container: Container, deadline: float) -> None:
        """Beside everything else: a grace of half a minute must not hold up other pods."""
        grace = max(0.0, deadline - time.time())
        try:
            self.memory.mirror.put_container(await self.runtime.stop_container(container.id, grace))
        except CriError as error:
            _log.warning("stop container %s: %s", container.id, error.message)
            await asyncio.sleep(_STOP_RETRY_SECONDS)
        finally:
            self.memory.stopping.pop(container.id, None)
            self.changed(pod_uid)

    async def _remove_container(self, container: Container) -> None:
        await self.runtime.remove_container(container.id)
        self.memory.mirror.drop_container(container.id)
        self.memory.forget_container(container.id)

    async def _delete_object(self, pod: Obj) -> None:
        """The last word on the pod, then its end; another pod of that name is left alone."""
        await self.status.write(pod)
        try:
            await self.client.delete(PODS, name(pod), namespace(pod), grace=0, uid=uid(pod))
        except StatusError as error:
            if error.code not in (404, 409):
                raise
        self.objects.deleted(uid(pod))

    @contextlib.contextmanager
    def _telling_of_sandbox(self, pod: Obj) -> Iterator[None]:
        try:
            yield
        except LabError as error:
            self.teller.sandbox_failed(pod, error.message)
            raise
