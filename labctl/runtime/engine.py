"""The verbs of the container runtime interface, on what runs in this lab."""

import os
import re
from collections.abc import Iterable, Iterator

from labctl import __version__, names
from labctl.cri.errors import INVALID_ARGUMENT, NOT_FOUND, CriError
from labctl.cri.messages import (
    Attach,
    Container,
    ContainerConfig,
    Exec,
    RuntimeStatus,
    Sandbox,
    SandboxConfig,
    StoredImage,
)
from labctl.runtime.adoption import adopt_pods
from labctl.runtime.attachment import Attachment
from labctl.runtime.crun.program import check_handler
from labctl.runtime.execs import Stdio, launch_exec
from labctl.runtime.images import stored_image
from labctl.runtime.launch import Launched
from labctl.runtime.logs import STREAMS
from labctl.runtime.machine import Machine
from labctl.runtime.pod import Pod
from labctl.runtime.sandbox import LiveSandbox

_WORD = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")  # it becomes part of file names
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?")  # no dot: ids are cut at dots


class Engine:
    """All pods by sandbox id. Every verb raises CriError; stop and remove of the unknown do not."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._pods: dict[str, Pod] = {}

    def adopt(self) -> None:
        """Takes up what an earlier runtime left running."""
        for pod in adopt_pods(self._machine):
            self._pods[pod.id] = pod

    def pods(self) -> Iterable[Pod]:
        return self._pods.values()

    def release(self) -> None:
        """Lets go of everything; it goes on."""
        for pod in self._pods.values():
            pod.release()
        self._pods.clear()

    def status(self) -> RuntimeStatus:
        containers = sum(len(pod.containers) for pod in self._pods.values())
        return RuntimeStatus(os.getpid(), len(self._pods), containers, __version__)

    def run_pod_sandbox(self, config: SandboxConfig) -> Sandbox:
        _check_word("name", config.name)
        _check_word("namespace", config.namespace)
        _check_word("uid", config.uid)
        check_handler(config.handler)
        known = self._pods.get(names.sandbox_id(config.uid, config.attempt))
        if known is not None:
            known.sandbox.namespaces()
            return known.sandbox.value
        self._clear_name(config)
        pod = Pod(self._machine, LiveSandbox.run(self._machine, config))
        self._pods[pod.id] = pod
        self._machine.records.sandbox_changed(pod.record())
        return pod.sandbox.value

    def update_pod_sandbox(self, sandbox_id: str, ip: str) -> Sandbox:
        pod = self._pods.get(sandbox_id)
        if pod is None:
            raise CriError(f"no sandbox {sandbox_id}", NOT_FOUND)
        pod.address(ip)
        return pod.sandbox.value

    async def stop_pod_sandbox(self, sandbox_id: str) -> None:
        pod = self._pods.get(sandbox_id)
        if pod is not None:
            await pod.stop()

    async def remove_pod_sandbox(self, sandbox_id: str) -> None:
        await self.stop_pod_sandbox(sandbox_id)
        pod = self._pods.pop(sandbox_id, None)
        if pod is not None:
            pod.forget()

    def list_pod_sandboxes(self, node: str) -> list[Sandbox]:
        return [pod.sandbox.value for pod in self._pods_of(node)]

    def create_container(self, sandbox_id: str, config: ContainerConfig) -> Container:
        if not _LABEL.fullmatch(config.name):
            raise CriError(f"container name {config.name!r} is no DNS label", INVALID_ARGUMENT)
        pod = self._pods.get(sandbox_id)
        if pod is None:
            raise CriError(f"no sandbox {sandbox_id}", NOT_FOUND)
        return pod.create_container(config)

    async def start_container(self, container_id: str) -> Container:
        return await self._pod_of(container_id).containers[container_id].start()

    async def stop_container(self, container_id: str, timeout_seconds: float) -> Container:
        return await self._pod_of(container_id).containers[container_id].stop(timeout_seconds)

    async def remove_container(self, container_id: str) -> None:
        try:
            pod = self._pod_of(container_id)
        except CriError:
            return
        await pod.remove_container(container_id)

    def list_containers(self, node: str) -> list[Container]:
        pods = self._pods_of(node)
        return [container.value for pod in pods for container in pod.containers.values()]

    def container_status(self, container_id: str) -> Container:
        return self._pod_of(container_id).containers[container_id].value

    def list_images(self) -> list[StoredImage]:
        return [stored_image(one) for one in self._machine.images.images()]

    def exec(self, request: Exec, stdio: Stdio) -> Launched:
        pod = self._pod_of(request.container_id)
        container = pod.containers[request.container_id]
        launched = launch_exec(self._machine, pod.sandbox, container, request, stdio)
        pod.track_exec(launched.process)
        return launched

    def keep_root(self, container_id: str, root: int) -> None:
        """Takes over the root that a program built beside a stand-in."""
        try:
            container = self._pod_of(container_id).containers[container_id]
        except CriError:
            os.close(root)
        else:
            container.keep_root(root)

    def attach(self, request: Attach, descriptors: list[int]) -> Attachment:
        """Takes the descriptors over, for stdout and stderr, unless it raises."""
        container = self._pod_of(request.container_id).containers[request.container_id]
        if len(descriptors) != len(STREAMS):
            raise CriError("attach: two descriptors", INVALID_ARGUMENT)
        return container.attach(request, descriptors)

    def _pods_of(self, node: str) -> Iterator[Pod]:
        return (pod for pod in self._pods.values() if node in ("", pod.node))

    def _pod_of(self, container_id: str) -> Pod:
        """A container's id is its sandbox's, a dot, its name, a dot, its attempt."""
        pod = self._pods.get(container_id.rsplit(".", 2)[0])
        if pod is None or container_id not in pod.containers:
            raise CriError(f"no container {container_id}", NOT_FOUND)
        return pod

    def _clear_name(self, config: SandboxConfig) -> None:
        """The name of a namespace is the newest pod's; a dying one of that name steps aside."""
        pin = names.netns_path(names.pod_netns(self._machine.lab, config.namespace, config.name))
        if pin not in self._machine.pins:
            return
        for pod in self._pods.values():
            if pod.sandbox.pin == pin and pod.sandbox.value.state == "ready":
                pod.sandbox.step_aside()
                self._machine.records.sandbox_changed(pod.record())


def _check_word(field: str, value: str) -> None:
    if not _WORD.fullmatch(value):
        raise CriError(f"sandbox {field} {value!r} is no name", INVALID_ARGUMENT)
