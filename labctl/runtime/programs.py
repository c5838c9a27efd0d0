"""Which program a container runs, with which arguments and environment. Pure, but for looking.

There is no image: what a container's command (or, without one, its args) names is looked up on the
host, whose file systems are the container's root. If it is not there, a stand-in answers.
"""

import os
import stat
from collections.abc import Iterable

from labctl.cri.messages import ContainerConfig, Mount

# what container runtimes give where the image says nothing
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
TERMINAL_ENVIRONMENT = {"TERM": "xterm"}  # as containerd has it


def arguments(config: ContainerConfig) -> tuple[str, ...]:
    """The program's argv, exactly command and args."""
    return config.command + config.args


def environment(config: ContainerConfig, hostname: str) -> dict[str, str]:
    """HOME and PATH as runtimes default them, HOSTNAME, TERM, and over them what the pod says."""
    terminal = TERMINAL_ENVIRONMENT if config.tty else {}
    own = {"PATH": DEFAULT_PATH, "HOSTNAME": hostname, "HOME": "/root"}
    return {**own, **terminal, **dict(config.env)}


def why_stand_in(config: ContainerConfig) -> str:
    """The sentence that says why a stand-in answers for this container; empty if a program runs."""
    argv = arguments(config)
    if config.needs_program:
        return ""
    if not argv:
        return f'image "{config.image}" is not here: a stand-in answers'
    program = _behind(argv[0], config.mounts)
    if is_on_host(program, dict(config.env).get("PATH", DEFAULT_PATH), config.working_dir):
        return ""
    return f'neither image "{config.image}" nor program "{argv[0]}" is here: a stand-in answers'


def _behind(program: str, mounts: Iterable[Mount]) -> str:
    """Where a program that is named by its path lies on the host: perhaps in a volume."""
    for mount in mounts:
        target = mount.target.rstrip("/")
        if program == target or program.startswith(target + "/"):
            program = mount.source + program[len(target) :]
    return program


def is_on_host(program: str, path: str, working_dir: str = "") -> bool:
    """Whether `program` is a file (given with a slash) or an executable on `path`."""
    if "/" in program:
        return _is_file(os.path.join(working_dir or "/", program))
    return any(
        _is_executable(os.path.join(directory, program))
        for directory in path.split(":")
        if directory and program
    )


def _is_file(path: str) -> bool:
    try:
        return stat.S_ISREG(os.stat(path).st_mode)
    except (OSError, ValueError):  # ValueError: a NUL in the name
        return False


def _is_executable(path: str) -> bool:
    return _is_file(path) and os.access(path, os.X_OK)
