"""Carries out the actions of a plan: the thin shell around runtime, network and API.

Each action brings the mirror up to date with what it did, so that the next plan sees it without
waiting for an event. What fails is told as an Event and raised again; the caller decides when to
try once more.
"""

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass

from msgspec.structs import replace

from labctl import names
from labctl.api.kinds.cluster import RUNTIMECLASSES
from labctl.api.kinds.core import PODS
from labctl.api.objects import Obj, name, namespace, uid
from labctl.client.client import Client
from labctl.cri.client import RuntimeClient
from labctl.cri.errors import RUN_SANDBOX_ERROR, CriError, RuntimeUnavailable
from labctl.cri.messages import Sandbox
from labctl.errors import LabError, StatusError
from labctl.node.forwards import Forwards
from labctl.node.network import NetworkNotReady
from labctl.node.place import Place
from labctl.node.pod_network import PodNetwork
from labctl.node.pods import actions
from labctl.node.pods.container_config import sandbox_config
from labctl.node.pods.containers import ContainerExecutor
from labctl.node.pods.facts import is_host_network
from labctl.node.pods.memory import PodMemory
from labctl.node.pods.objects import PodObjects
from labctl.node.pods.status_writer import StatusWriter
from labctl.node.pods.teller import PodTeller
from labctl.node.volumes.directory import remove


@dataclass(frozen=True)
class Executor:
    """Does what plans say."""

    place: Place
    client: Client
    runtime: RuntimeClient
    network: PodNetwork
    memory: PodMemory
    objects: PodObjects
    status: StatusWriter
    teller: PodTeller
    containers: ContainerExecutor
    forwards: Forwards

    async def execute(self, pod_uid: str, pod: Obj | None, action: actions.Action) -> None:
        """One action for a pod; `pod` is None where the API has it no more. Raises LabError."""
        match action:
            case actions.StopContainer(container, deadline, failed):
                self.containers.stop(pod_uid, pod, container, deadline, failed)
            case actions.RemoveContainer(container):
                await self.containers.remove(container)
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
                    await self._attach(sandbox)
            case actions.CreateContainer(container, attempt, sandbox):
                await self.containers.create(pod, container, attempt, sandbox)
            case actions.StartContainer(container):
                await self.containers.start(pod, container)
            case actions.DeleteObject():
                await self._delete_object(pod)

    async def _run_sandbox(self, pod: Obj, attempt: int) -> None:
        if attempt:
            self.teller.sandbox_changed(pod)
        owner = names.sandbox_id(uid(pod), attempt)
        handler = await self._handler(pod)
        config = replace(sandbox_config(pod, attempt, self.place.node), handler=handler)
        if not is_host_network(pod):
            config = replace(config, ip=self.network.reserve(owner))
        try:
            sandbox = await self.runtime.run_pod_sandbox(config)
        except RuntimeUnavailable:
            raise  # perhaps it runs: the address stays its own
        except CriError:
            self.network.release(owner)
            raise
        self.memory.mirror.put_sandbox(sandbox)
        await self._attach(sandbox)

    async def _handler(self, pod: Obj) -> str:
        """What the pod's RuntimeClass says; raises CriError, in a kubelet's words, without one."""
        wanted = pod["spec"].get("runtimeClassName")
        if not wanted:
            return ""
        try:
            return str((await self.client.get(RUNTIMECLASSES, wanted))["handler"])
        except StatusError as error:
            why = f"failed to lookup RuntimeClass {wanted}: {error.message}"
            if error.code == 404:
                why = f'runtimeclass.node.k8s.io "{wanted}" not found'
            raise CriError(why, RUN_SANDBOX_ERROR) from error

    async def _attach(self, sandbox: Sandbox) -> None:
        if not sandbox.config.host_network:
            self.memory.mirror.put_sandbox(await self.network.attach(sandbox))
        self.memory.attached.add(sandbox.id)

    async def _stop_sandbox(self, pod: Obj | None, sandbox: Sandbox) -> None:
        """Off the network first: nothing must answer for an address that is about to be free."""
        await self.forwards.close(sandbox.id)
        on_host = sandbox.config.host_network
        departure = contextlib.nullcontext() if on_host else self.network.departure(sandbox)
        self.memory.attached.discard(sandbox.id)
        try:
            async with departure:
                await self.runtime.stop_pod_sandbox(sandbox.id)
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
        self.forwards.forget(sandbox.id)
        held = [one for one in containers if one.sandbox_id == sandbox.id]
        self.memory.forget_sandbox(sandbox.id, held)
        if last:
            logs = names.pod_log_dir(self.place.lab, config.namespace, config.name, config.uid)
            shutil.rmtree(logs, ignore_errors=True)
            remove(names.pod_volume_dir(self.place.lab, config.uid))

    def forget(self, pod_uid: str) -> None:
        """Nothing is left of the pod, here or in the API."""
        self.memory.forget_pod(pod_uid)
        self.network.forget(pod_uid)

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
        except NetworkNotReady as error:
            self.teller.network_not_ready(pod, error.message)
            raise
        except LabError as error:
            self.teller.sandbox_failed(pod, error.message)
            raise
