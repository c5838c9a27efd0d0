"""A sandbox with its containers and execs: what is recorded, stopped and mourned together."""

import asyncio

from labctl.cri.errors import CONFIG_ERROR, CriError
from labctl.cri.messages import Container, ContainerConfig, ContainerEvent, EventKind
from labctl.runtime.container import LiveContainer
from labctl.runtime.machine import Machine
from labctl.runtime.new_container import container_id, new_container
from labctl.runtime.processes import Exit, Process
from labctl.runtime.records import SandboxRecord
from labctl.runtime.sandbox import LiveSandbox


class Pod:
    """Its containers by id; their changes go into the records and to whoever listens."""

    def __init__(self, machine: Machine, sandbox: LiveSandbox) -> None:
        self._machine = machine
        self.sandbox = sandbox
        self.containers: dict[str, LiveContainer] = {}
        self._execs: set[Process] = set()
        if sandbox.pause is not None:
            sandbox.pause.exited.add_done_callback(self._pause_exited)

    @property
    def id(self) -> str:
        return self.sandbox.value.id

    @property
    def node(self) -> str:
        return self.sandbox.config.node

    def address(self, ip: str) -> None:
        """Its address is known now."""
        self.sandbox.address(ip)
        self._machine.records.sandbox_changed(self.record())

    def create_container(self, config: ContainerConfig) -> Container:
        known = self.containers.get(container_id(self.id, config))
        if known is not None:
            return known.value
        self.sandbox.namespaces()  # of a dead one nothing can be made
        self._peer(config.target)
        container = self.add(
            new_container(self._machine.images, self.id, self.sandbox.config, config)
        )
        self._machine.records.container_changed(container.record())
        if not container.value.stand_in:
            self._machine.spawner.start()  # it gets ready while its client takes note
        return container.value

    def add(self, value: Container) -> LiveContainer:
        container = LiveContainer(
            self._machine, self.sandbox, value, self._container_changed, self._peer
        )
        self.containers[value.id] = container
        return container

    def _peer(self, target: str) -> int | None:
        """The pidfd of whoever has the pid namespace for a new program; raises CriError."""
        if not target:
            return self.sandbox.peer
        for container in self.containers.values():
            if container.value.config.name == target and container.value.state == "running":
                # of a stand-in there is no process to be seen
                return container.program.process.pidfd if container.program else self.sandbox.peer
        raise CriError(f"unable to find target container {target}", CONFIG_ERROR)

    async def remove_container(self, identity: str) -> None:
        container = self.containers[identity]
        await container.kill()
        container.drop_group()
        self.containers.pop(identity, None)
        self._machine.records.container_removed(self.id, identity)

    def track_exec(self, process: Process) -> None:
        """It holds the sandbox's namespaces open, so it ends with the sandbox."""
        self._execs.add(process)
        process.exited.add_done_callback(lambda _: self._execs.discard(process))

    async def stop(self) -> None:
        """Sockets, then containers and execs, then pause, then the pin: nothing answers after."""
        self.sandbox.stopping = True
        self._close_stand_ins(0)
        endings = [container.kill() for container in self.containers.values()]
        await asyncio.gather(*endings, *self._end_execs())
        await self.sandbox.kill()
        if self.sandbox.value.state == "ready":
            self._declare_dead()

    def forget(self) -> None:
        """It was stopped, and nobody will ask for it any more."""
        for container in self.containers.values():
            container.drop_group()
        self.sandbox.drop_group()
        self.containers.clear()
        self._machine.records.remove(self.id)

    def release(self) -> None:
        """Lets go of what runs; it goes on."""
        for container in self.containers.values():
            container.release()
        if self.sandbox.pause is not None:
            self.sandbox.pause.release()

    def record(self) -> SandboxRecord:
        sandbox = self.sandbox
        return SandboxRecord(
            self._machine.boot_id, sandbox.value, sandbox.identity, str(sandbox.pin)
        )

    def mourn(self) -> None:
        """Pause is dead, and nobody asked for it: whatever answered for the pod stops doing so."""
        self._close_stand_ins(137)
        for process in tuple(self._execs):
            process.kill_session()
        self._declare_dead()
        self._publish("sandbox-died")

    def _close_stand_ins(self, code: int) -> None:
        for container in self.containers.values():
            container.close_stand_in(code)

    def _end_execs(self) -> list[asyncio.Task[Exit]]:
        for process in self._execs:
            process.kill_session()
        return [asyncio.ensure_future(process.wait()) for process in self._execs]

    def _pause_exited(self, exited: "asyncio.Future[Exit]") -> None:
        alone = self.sandbox.value.state == "ready" and not self.sandbox.stopping
        if alone and not exited.cancelled():
            self.mourn()

    def _declare_dead(self) -> None:
        self.sandbox.declare_dead()
        self._machine.records.sandbox_changed(self.record())

    def _container_changed(self, container: LiveContainer, event: EventKind | None) -> None:
        if self.containers.get(container.id) is not container:
            return  # removed while it was on its way
        self._machine.records.container_changed(container.record())
        if self.sandbox.value.state == "ready" and self.sandbox.is_ending:
            self.mourn()  # first: or the container would be started again where nothing can run
        if event is not None:
            self._publish(event, container.value)

    def _publish(self, kind: EventKind, container: Container | None = None) -> None:
        self._machine.events.publish(ContainerEvent(kind, self.node, self.id, container))
