"""A container's program as crun starts it: created, put on record, started."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from msgspec.structs import replace

from labctl.cgroups.group import Group
from labctl.cri.errors import RUN_CONTAINER_ERROR, RUN_SANDBOX_ERROR, CriError
from labctl.cri.messages import ContainerConfig
from labctl.runtime.crun.bundle import oci_config
from labctl.runtime.crun.calls import PROGRAM, Bundle, find_crun, received_terminal
from labctl.runtime.last_words import LastWords
from labctl.runtime.launch import launch
from labctl.runtime.machine import Machine
from labctl.runtime.processes import Process, pid_of
from labctl.runtime.program import Program
from labctl.runtime.programs import environment
from labctl.runtime.sandbox import LiveSandbox
from labctl.runtime.spawn.plan import Held, Launch
from labctl.runtime.stdio import Stdio


def check_handler(handler: str) -> None:
    """Raises CriError, worded as by containerd, for one that there is not."""
    if handler not in ("", PROGRAM):
        why = f'failed to get sandbox runtime: no runtime for "{handler}" is configured'
        raise CriError(why, RUN_SANDBOX_ERROR)


class Created:
    """A container that waits for its go; `master` is its terminal's, if it has one."""

    def __init__(self, bundle: Bundle, process: Process, master: int | None) -> None:
        self._bundle = bundle
        self._process = process
        self._master = master

    @property
    def process(self) -> Process:
        return self._process

    async def executed(self) -> int | None:
        """Lets it go on; returns its terminal's master. Raises CriError; it has ended then."""
        ended = await self._bundle.start()
        if ended.code == 0:
            return self._master
        why = self._bundle.complaint()
        await self.drop()
        raise CriError(why, RUN_CONTAINER_ERROR)

    async def drop(self) -> None:
        if self._master is not None:
            os.close(self._master)
        await self._process.kill()
        self._bundle.delete()


async def create_program(
    machine: Machine,
    sandbox: LiveSandbox,
    bundle: Bundle,
    config: ContainerConfig,
    stdio: Stdio,
    last_words: LastWords,
    peer: int | None,
) -> tuple[Program, Created]:
    """As program.start_program does, with crun's `create`. Raises CriError and NetError."""
    group = sandbox.make_group(config)
    _write(bundle, sandbox, replace(config, mounts=(*config.mounts, *last_words.mounts())), peer)
    created = await _create(machine, sandbox, bundle, config, stdio, group)
    try:
        sandbox.namespaces()  # it may have died meanwhile, which must not keep its namespaces
    except CriError:
        await created.drop()
        raise
    program = Program(created.process, stdio, group, last_words, config.stop_signal, bundle)
    return program, created


async def _create(
    machine: Machine,
    sandbox: LiveSandbox,
    bundle: Bundle,
    config: ContainerConfig,
    stdio: Stdio,
    group: Group,
) -> Created:
    argv = bundle.creation(find_crun(), terminal=config.tty)
    with bundle.terminal(wanted=config.tty) as terminal:
        with stdio.ends() as ends, group.opened() as directory, _here() as here:
            plan = Launch(
                argv=argv,
                env={},
                working_dir="",
                held=Held(sandbox.namespaces(), None, None, here, directory, *ends),
                root=sandbox.root(config),
                entrances=group.entrances,
                crun=True,
                hierarchy=str(machine.hierarchies.unified or ""),
            )
            launched = launch(machine.spawner, plan)
        await launched.executed()
        ended = await launched.process.wait()
        if ended.code != 0:
            why = bundle.complaint()
            bundle.delete()
            raise CriError(why, RUN_CONTAINER_ERROR)
        master = received_terminal(terminal) if terminal else None
    return Created(bundle, Process.of_child(bundle.pid), master)


def _write(bundle: Bundle, sandbox: LiveSandbox, config: ContainerConfig, peer: int | None) -> None:
    root = sandbox.root(config)
    pause = pid_of(sandbox.namespaces())
    target = None if peer is None else pid_of(peer)
    env = environment(config, sandbox.hostname)
    privileges = sandbox.privileges(config)
    bundle.write(oci_config(config, env, privileges, f"{root.scaffold}/root", pause, target))


@contextmanager
def _here() -> Iterator[int]:
    """The pidfd of this process: crun must see the pids that this machine has."""
    descriptor = os.pidfd_open(os.getpid())
    try:
        yield descriptor
    finally:
        os.close(descriptor)
