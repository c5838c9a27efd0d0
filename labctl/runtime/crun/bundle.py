"""A container as the OCI runtime specification has it: its config.json. Pure."""

from typing import Any

from labctl.cri.messages import ContainerConfig, Mount
from labctl.runtime.capabilities import NAMES
from labctl.runtime.spawn.privileges import ROOT, Privileges
from labctl.runtime.spawn.root import MASKED, READ_ONLY

_KERNEL = ["nosuid", "noexec", "nodev"]
_MOUNTS = (
    ("/proc", "proc", "proc", _KERNEL),
    ("/dev", "tmpfs", "tmpfs", ["nosuid", "mode=755", "size=64k"]),
    (
        "/dev/pts",
        "devpts",
        "devpts",
        ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
    ),
    ("/dev/shm", "tmpfs", "shm", [*_KERNEL, "mode=1777", "size=64m"]),
    ("/dev/mqueue", "mqueue", "mqueue", _KERNEL),
    ("/sys", "sysfs", "sysfs", [*_KERNEL, "ro"]),
)
_SETTINGS = ("abi", "debug", "dev", "fs", "kernel", "user", "vm")  # of /proc/sys, all but net


def oci_config(
    config: ContainerConfig,
    env: dict[str, str],
    privileges: Privileges,
    root: str,
    pause: int,
    target: int | None,
) -> dict[str, Any]:
    """The container in a sandbox, its root at `root`.

    `pause` is the process whose namespaces it joins; it has the pid namespace of `target`, or one
    of its own without. Its cgroup is the one in which crun is called.
    """
    return {
        "ociVersion": "1.0.2",
        "process": {
            "terminal": config.tty,
            "user": _user(privileges),
            "args": [*config.command, *config.args],
            "env": [f"{name}={value}" for name, value in env.items()],
            "cwd": config.working_dir or "/",
            "capabilities": _capabilities(privileges),
            "noNewPrivileges": privileges.no_new_privileges,
            **({"oomScoreAdj": privileges.oom_score} if privileges.oom_score else {}),
        },
        "root": {"path": root, "readonly": config.security.read_only_root},
        "mounts": [*_kernel_mounts(), *map(_volume, config.mounts)],
        "linux": {
            "namespaces": _namespaces(pause, target),
            "maskedPaths": [f"/{path}" for path in MASKED],
            "readonlyPaths": _read_only(config),
        },
    }


def _user(privileges: Privileges) -> dict[str, Any]:
    return {
        "uid": privileges.user,
        "gid": privileges.group,
        "additionalGids": list(privileges.groups),
    }


def _capabilities(privileges: Privileges) -> dict[str, list[str]]:
    """Only root has them at once; for others they bound what set-user-id programs get."""
    granted = [
        f"CAP_{name}" for number, name in enumerate(NAMES) if privileges.capabilities >> number & 1
    ]
    held = granted if privileges.user == ROOT else []
    return {"bounding": granted, "effective": held, "permitted": held}


def _kernel_mounts() -> list[dict[str, Any]]:
    return [
        {"destination": place, "type": kind, "source": source, "options": options}
        for place, kind, source, options in _MOUNTS
    ]


def _volume(volume: Mount) -> dict[str, Any]:
    options = ["rbind", "rprivate"]
    if volume.read_only:
        options += ["ro", "nosuid", "nodev"]
    return {
        "destination": volume.target,
        "type": "bind",
        "source": volume.source,
        "options": options,
    }


def _namespaces(pause: int, target: int | None) -> list[dict[str, str]]:
    joined = {"network": "net", "ipc": "ipc", "uts": "uts"}
    namespaces = [
        {"type": kind, "path": f"/proc/{pause}/ns/{name}"} for kind, name in joined.items()
    ]
    pids = {"type": "pid"} if target is None else {"type": "pid", "path": f"/proc/{target}/ns/pid"}
    return [*namespaces, {"type": "mount"}, pids]


def _read_only(config: ContainerConfig) -> list[str]:
    """A privileged one may change the network's settings, which are its pod's own."""
    paths = [f"/{path}" for path in READ_ONLY]
    if config.security.privileged:
        paths.remove("/proc/sys")
        paths += [f"/proc/sys/{name}" for name in _SETTINGS]
    return paths
