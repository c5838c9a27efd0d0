"""A container's program: started in its surroundings, ended, and what is left of it then."""

import contextlib
import signal
from dataclasses import dataclass

from msgspec.structs import replace

from labctl.cgroups.group import Group
from labctl.cri.errors import RUN_CONTAINER_ERROR, CriError
from labctl.cri.messages import ContainerConfig, TerminalSize
from labctl.runtime.crun.calls import Bundle
from labctl.runtime.last_words import LastWords
from labctl.runtime.launch import Launched, launch
from labctl.runtime.machine import Machine
from labctl.runtime.processes import Exit, Process
from labctl.runtime.programs import arguments, environment
from labctl.runtime.sandbox import LiveSandbox
from labctl.runtime.spawn.plan import Held, Launch
from labctl.runtime.stdio import Stdio


@dataclass(frozen=True)
class Program:
    process: Process
    stdio: Stdio
    group: Group
    last_words: LastWords
    stop_signal: int = signal.SIGTERM
    bundle: Bundle | None = None  # of one that crun started

    async def stop(self, timeout_seconds: float) -> Exit:
        """SIGTERM, or what its image wants, a grace of `timeout_seconds`, SIGKILL.

        Its process is the first of a pid namespace: a signal for which it has no handler does
        nothing (pid_namespaces(7), and so it is under every container runtime), and with it, when
        it goes, all others in the namespace are killed.
        """
        if timeout_seconds > 0:
            self.process.signal(self.stop_signal)
            with contextlib.suppress(TimeoutError):
                return await self.process.wait(timeout_seconds)
        return await self.process.kill()

    def wind_up(self, how: Exit) -> tuple[bool, str]:
        """After its end: takes its children along (in a pid namespace that is not its own they
        would stay), logs what is left. Whether memory was the reason, and its last words.
        """
        self.group.end()
        self.stdio.finish()
        if self.bundle is not None:
            self.bundle.delete()
        starved = how.code != 0 and self.group.oom_kills() > 0
        return starved, self.last_words.take(failed=how.code != 0)


def start_program(
    machine: Machine,
    sandbox: LiveSandbox,
    config: ContainerConfig,
    stdio: Stdio,
    last_words: LastWords,
    peer: int | None,
) -> tuple[Program, Launched]:
    """Forks what will be the program; `peer` is a pidfd in whose pid namespace it shall be.

    Raises CriError and NetError.
    """
    try:
        config = replace(config, mounts=(*config.mounts, *last_words.mounts()))
    except OSError as error:
        raise CriError(f"termination message: {error}", RUN_CONTAINER_ERROR) from error
    group = sandbox.make_group(config)
    with stdio.ends() as ends, group.opened() as directory:
        plan = Launch(
            argv=arguments(config),
            env=environment(config, sandbox.hostname),
            working_dir=config.working_dir,
            held=Held(sandbox.namespaces(), None, None, peer, directory, *ends),
            root=sandbox.root(config),
            entrances=group.entrances,
            terminal=TerminalSize().cells if config.tty else None,
            keeps_terminal=config.tty,
            privileges=sandbox.privileges(config),
        )
        launched = launch(machine.spawner, plan)
    program = Program(launched.process, stdio, group, last_words, config.stop_signal)
    return program, launched
