"""Exec: a further program in a container, or beside a stand-in, contained as a container is."""

import contextlib

from labctl.cri.errors import EXEC_ERROR, FAILED_PRECONDITION, INVALID_ARGUMENT, CriError
from labctl.cri.messages import Exec
from labctl.errors import NetError
from labctl.runtime.container import LiveContainer
from labctl.runtime.launch import Launched, launch
from labctl.runtime.machine import Machine
from labctl.runtime.programs import TERMINAL_ENVIRONMENT, environment
from labctl.runtime.sandbox import LiveSandbox
from labctl.runtime.spawn.plan import Held, Launch

Stdio = tuple[int | None, int | None, int | None]


def launch_exec(
    machine: Machine, sandbox: LiveSandbox, container: LiveContainer, request: Exec, stdio: Stdio
) -> Launched:
    """Joins all of the container's namespaces; beside a stand-in, those of the sandbox, with a root
    that the first program builds and a pid namespace for this one. Raises CriError.
    """
    sandbox.check_not_stopping()
    if container.value.state != "running":
        raise CriError(f"container {container.id} is not running", FAILED_PRECONDITION)
    if not request.command:
        raise CriError("exec: no command", INVALID_ARGUMENT)
    config, program = container.value.config, container.program
    joined = program.process.pidfd if program else None
    terminal = TERMINAL_ENVIRONMENT if request.terminal else {}
    try:
        with contextlib.nullcontext() if program is None else program.group.opened() as group:
            held = Held(
                sandbox=sandbox.namespaces() if joined is None else joined,
                container=joined,
                shared_root=container.shared_root,
                peer=sandbox.peer if joined is None else joined,
                group=group,
                stdin=stdio[0],
                stdout=stdio[1],
                stderr=stdio[2],
            )
            plan = Launch(
                argv=request.command,
                env=terminal | environment(config, sandbox.hostname) | dict(request.env),
                working_dir=config.working_dir,
                held=held,
                root=sandbox.root(config) if joined is None else None,
                entrances=program.group.entrances if program else (),
                terminal=request.terminal.cells if request.terminal else None,
                privileges=sandbox.privileges(config),
                leashed=True,
            )
            return launch(machine.spawner, plan)
    except (NetError, OSError) as error:
        raise CriError(str(error), EXEC_ERROR) from error
