"""Which of the host's mounts a container shall see, read from mountinfo; pure but for the reading.

An overlay of / shows only the file system of / itself. Where the host keeps /usr, /home or /tmp on
file systems of their own, each gets its own overlay in a container. What is the kernel's (proc,
sysfs, devices, cgroups) a container gets fresh, and /run it gets empty. Roots of other containers
(overlay) and of snaps (squashfs) are nothing to it, and there can be dozens.
"""

import re
import select
from dataclasses import dataclass

from labctl.names import RUN_DIR, STATE_DIR

_FRESH = ("/proc", "/sys", "/dev", "/run", str(RUN_DIR), str(STATE_DIR))
_SKIPPED_TYPES = frozenset({
    "autofs", "binfmt_misc", "bpf", "cgroup", "cgroup2", "configfs", "debugfs", "devpts",
    "devtmpfs", "efivarfs", "fusectl", "hugetlbfs", "mqueue", "nsfs", "overlay", "proc",
    "pstore", "rpc_pipefs", "securityfs", "selinuxfs", "squashfs", "sysfs", "tracefs",
})  # fmt: skip
_OCTAL = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True)
class HostMount:
    path: str
    kind: str


class MountTable:
    """Those of this process's mount namespace, read again only when the kernel says so (proc(5))."""

    def __init__(self) -> None:
        self._file = open("/proc/self/mountinfo", "rb", buffering=0)  # noqa: SIM115 (kept open)
        self._poll = select.poll()
        self._poll.register(self._file, select.POLLPRI)
        self._visible: tuple[str, ...] | None = None

    def visible(self) -> tuple[str, ...]:
        """Where there are mounts below / that a container shall see, outer ones first."""
        if self._visible is None or self._poll.poll(0):
            self._file.seek(0)
            text = self._file.readall().decode("utf-8", "surrogateescape")
            self._visible = tuple(mount.path for mount in visible_mounts(text))
        return self._visible

    def close(self) -> None:
        self._file.close()


def visible_mounts(mountinfo: str) -> tuple[HostMount, ...]:
    """Picks from the text of /proc/PID/mountinfo (proc(5)); a later mount on a path wins."""
    mounts = (_parse(line) for line in mountinfo.splitlines())
    chosen = {mount.path: mount for mount in mounts if _is_visible(mount)}
    return tuple(sorted(chosen.values(), key=lambda mount: mount.path))


def _parse(line: str) -> HostMount:
    left, _, right = line.partition(" - ")
    path = _OCTAL.sub(lambda match: chr(int(match[1], 8)), left.split(" ")[4])
    return HostMount(path, right.split(" ")[0])


def _is_visible(mount: HostMount) -> bool:
    if mount.path == "/" or mount.kind in _SKIPPED_TYPES:
        return False
    return not any(mount.path == top or mount.path.startswith(top + "/") for top in _FRESH)
