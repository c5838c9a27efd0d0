"""Pause: the process that holds a pod's namespaces for as long as the pod lives.

It is made where it shall be: the runtime unshares, spawns catatonit (posix_spawn is a vfork, so
nothing of Python is copied) and goes back. 0.8 ms, and 50 KB a pod.
"""

import os
import re
import shutil
import socket

from labctl import names
from labctl.cri.errors import RUN_SANDBOX_ERROR, CriError
from labctl.cri.messages import SandboxConfig
from labctl.errors import NetError
from labctl.namespacing import CLONE_NEWIPC, CLONE_NEWNET, CLONE_NEWPID, CLONE_NEWUTS, unshare
from labctl.net.namespaces import enter
from labctl.runtime.home import Home
from labctl.runtime.spawn.plan import SANDBOX_KINDS
from labctl.runtime.spawn.syscalls import IGNORED

_MARK = "LABCTL_SANDBOX"
_PROGRAM = "catatonit"
# What is of a network or IPC namespace: namespaces(7). All others are the machine's.
_OWN_SETTING = re.compile(r"(net|fs[./]mqueue|kernel[./](shm|msg|sem)[a-z_]*)([./][\w./-]+)?")
_HOSTNAME_MAX = 64  # HOST_NAME_MAX of Linux
_STDIO = (
    (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDWR, 0),
    (os.POSIX_SPAWN_DUP2, 0, 1),
    (os.POSIX_SPAWN_DUP2, 0, 2),
)


def pause_program() -> str:
    """Raises CriError when catatonit is not installed."""
    path = shutil.which(_PROGRAM, path=os.defpath + ":/usr/libexec/podman")
    if path is None:
        raise CriError(f"{_PROGRAM} is not installed on this host", RUN_SANDBOX_ERROR)
    return path


def mark(lab: str, sandbox_id: str) -> str:
    """What stands in pause's environment: whose it is, even where its record was never written."""
    return f"{_MARK}={lab}/{sandbox_id}"


def start_pause(home: Home, program: str, lab: str, config: SandboxConfig) -> int:
    """Starts a pause in new namespaces and returns its pid; raises CriError with the reason."""
    try:
        with home.away(SANDBOX_KINDS | CLONE_NEWPID):
            _new_namespaces(lab, config)
            socket.sethostname(hostname(config))
            for name, value in config.settings:
                _set(name, value)
            return _spawn(program, mark(lab, names.sandbox_id(config.uid, config.attempt)))
    except NetError as error:
        raise CriError(error.message, RUN_SANDBOX_ERROR) from error
    except OSError as error:
        raise CriError(f"{program}: {error.strerror}", RUN_SANDBOX_ERROR) from error


def _new_namespaces(lab: str, config: SandboxConfig) -> None:
    """A new pid namespace is the next child's, who is pause: containers then join it there."""
    processes = CLONE_NEWPID if config.shared_processes else 0
    if not config.host_network:
        unshare(CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | processes)
        return
    enter(names.netns_path(names.node_netns(lab, config.node)))
    unshare(CLONE_NEWIPC | CLONE_NEWUTS | processes)


def _set(name: str, value: str) -> None:
    """A sysctl of the namespaces that this thread is in; raises CriError."""
    if not _OWN_SETTING.fullmatch(name) or ".." in name:
        raise CriError(f'forbidden sysctl: "{name}" is not the pod\'s own', RUN_SANDBOX_ERROR)
    path = "/proc/sys/" + (name if "/" in name else name.replace(".", "/"))
    try:
        with open(path, "w", encoding="utf-8") as file:
            file.write(value)
    except OSError as error:
        why = (error.strerror or "").lower()
        raise CriError(f"sysctl {name}: {why}", RUN_SANDBOX_ERROR) from error


def hostname(config: SandboxConfig) -> str:
    """As the kubelet does: the pod's own, cut to what the kernel takes; the node's on its network."""
    if config.host_network and config.node:
        return config.node[:_HOSTNAME_MAX]
    return (config.hostname or config.name)[: _HOSTNAME_MAX - 1].rstrip("-.")


def _spawn(program: str, marked: str) -> int:
    key, _, value = marked.partition("=")
    return os.posix_spawn(
        program,
        [_PROGRAM, "-P"],
        {key: value},
        file_actions=_STDIO,
        setsid=True,
        setsigmask=[],
        setsigdef=IGNORED,
    )
