"""A sandbox: pause, the namespaces that it holds, and their name."""

import os
import signal
import time
from pathlib import Path
from typing import Self

from msgspec.structs import replace

from labctl import names
from labctl.cgroups.group import Group
from labctl.cri.errors import (
    FAILED_PRECONDITION,
    RUN_CONTAINER_ERROR,
    RUN_SANDBOX_ERROR,
    CriError,
)
from labctl.cri.messages import ContainerConfig, Sandbox, SandboxConfig
from labctl.runtime.etc import pod_files
from labctl.runtime.machine import Machine
from labctl.runtime.pause import hostname, start_pause
from labctl.runtime.privileges import privileges_of
from labctl.runtime.processes import Identity, Process
from labctl.runtime.spawn.privileges import Privileges
from labctl.runtime.spawn.root import Root


class LiveSandbox:
    """`value` is what clients see of it; `pause` is None once it was found dead at adoption."""

    def __init__(
        self, machine: Machine, value: Sandbox, identity: Identity, pause: Process | None, pin: Path
    ) -> None:
        self._machine = machine
        self.value = value
        self.identity = identity
        self.pause = pause
        self.pin = pin
        self.stopping = False
        self._grouped = False

    @classmethod
    def run(cls, machine: Machine, config: SandboxConfig) -> Self:
        """Starts pause in new namespaces and pins them; raises CriError."""
        sandbox_id = names.sandbox_id(config.uid, config.attempt)
        pid = start_pause(machine.home, machine.pause_program, machine.lab, config)
        pause = Process.of_child(pid)
        netns = f"/proc/{pid}/ns/net"
        try:
            pin = machine.pins.give(config.namespace, config.name, netns)
        except OSError as error:
            pause.signal(signal.SIGKILL)
            raise CriError(f"pin of {netns}: {error.strerror}", RUN_SANDBOX_ERROR) from error
        value = Sandbox(sandbox_id, config, pid, netns, "ready", time.time())
        return cls(machine, value, pause.identity, pause, pin)

    @property
    def config(self) -> SandboxConfig:
        return self.value.config

    @property
    def hostname(self) -> str:
        return hostname(self.config)

    def root(self, config: ContainerConfig) -> Root:
        """What the root of a container is made of in this sandbox."""
        return Root(
            scaffold=self._machine.scaffold,
            host_mounts=() if config.layers else self._machine.mounts.visible(),
            hidden=(str(names.STATE_DIR),),
            etc=pod_files(self.config, self.hostname),
            volumes=tuple((one.source, one.target, one.read_only) for one in config.mounts),
            directory=config.working_dir,
            read_only=config.security.read_only_root,
            own_settings=config.security.privileged,
            layers=config.layers,
        )

    def privileges(self, config: ContainerConfig) -> Privileges:
        """As whom a container runs in this sandbox; raises CriError."""
        shared = self.config.shared_processes
        return privileges_of(config.security, self._machine.last_capability, beside_pause=shared)

    @property
    def peer(self) -> int | None:
        """Whose pid namespace its containers have, if they share one: pause's pidfd."""
        return self.namespaces() if self.config.shared_processes else None

    @property
    def is_ending(self) -> bool:
        """Whether pause is on its way out, and takes along all who share its pid namespace.

        It is gone only after them (pid_namespaces(7)); the program that it ran goes before.
        """
        if not self.config.shared_processes or self.pause is None or not self.pause.alive:
            return False
        try:
            os.readlink(f"/proc/{self.pause.pid}/exe")
        except OSError:
            return True
        return False

    def group(self, config: ContainerConfig) -> Group:
        """The cgroup of a container that is a process."""
        name = names.container_cgroup(self._machine.lab, self.value.id, config.name, config.attempt)
        return Group(self._machine.hierarchies, name)

    def make_group(self, config: ContainerConfig) -> Group:
        """The same, made, and the pod's above it if need be; raises CriError."""
        group = self.group(config)
        try:
            if not self._grouped:
                self._own_group.make(self.config.limits, leaf=False)
                self._grouped = True
            group.make(config.limits)
        except OSError as error:
            why = f"cgroup {error.filename or ''}: {(error.strerror or '').lower()}"
            raise CriError(why, RUN_CONTAINER_ERROR) from error
        return group

    @property
    def _own_group(self) -> Group:
        return Group(self._machine.hierarchies, names.pod_cgroup(self._machine.lab, self.value.id))

    def drop_group(self) -> None:
        """Nothing runs in it any more, and nothing will."""
        self._own_group.remove()

    def address(self, ip: str) -> None:
        self.value = replace(self.value, config=replace(self.config, ip=ip))

    def namespaces(self) -> int:
        """Pause's pidfd, for setns; raises CriError when the sandbox is dead or about to be."""
        self.check_not_stopping()
        if self.value.state != "ready" or self.pause is None or not self.pause.alive:
            raise CriError(f"sandbox {self.value.id} is not ready", FAILED_PRECONDITION)
        return self.pause.pidfd

    def check_not_stopping(self) -> None:
        """Whatever was started now would outlive it, and its namespaces with it."""
        if self.stopping:
            raise CriError(f"sandbox {self.value.id} is being stopped", FAILED_PRECONDITION)

    def step_aside(self) -> None:
        """Lets a pod of the same name have the pin; this one is dying."""
        self.pin = self._machine.pins.move_aside(self.pin, self.config.uid)

    def declare_dead(self) -> None:
        self.value = replace(self.value, state="notready")
        self._machine.pins.drop(self.pin, self.value.netns)

    async def kill(self) -> None:
        if self.pause is not None and self.pause.alive:
            await self.pause.kill()
