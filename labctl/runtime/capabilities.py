"""Which capabilities a container has: Kubernetes' rules, within what cannot leave the pod. Pure.

A pod has namespaces of its own for network, IPC, host name, mounts and processes, but no user
namespace and no device cgroup: what is given is given against this machine's kernel. So there are
capabilities that no container gets, asked for or not, privileged or not. Who asks is told.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from labctl.cri.errors import CREATE_CONTAINER_ERROR, CriError
from labctl.cri.messages import Security

# linux/capability.h: a capability's number is its place
NAMES = (
    "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID",
    "SETPCAP", "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW",
    "IPC_LOCK", "IPC_OWNER", "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT",
    "SYS_ADMIN", "SYS_BOOT", "SYS_NICE", "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD",
    "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP", "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG",
    "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF", "CHECKPOINT_RESTORE",
)  # fmt: skip

# Those of containerd and Docker, less MKNOD: without a device cgroup it makes the host's disks.
DEFAULT = frozenset({
    "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP",
    "NET_BIND_SERVICE", "NET_RAW", "SYS_CHROOT", "AUDIT_WRITE", "SETFCAP",
})  # fmt: skip

# What reaches no further than the pod's own namespaces, or than its own processes.
GRANTABLE = DEFAULT | {
    "NET_ADMIN", "NET_BROADCAST", "IPC_LOCK", "IPC_OWNER", "SYS_PTRACE", "SYS_NICE", "LEASE",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Granted:
    """A set as capset(2) takes it, and the names of those that were asked for and are not in it."""

    mask: int
    withheld: tuple[str, ...] = ()


def mask_of(names: Iterable[str]) -> int:
    return sum(1 << NAMES.index(name) for name in names)


DEFAULT_MASK = mask_of(DEFAULT)


def grant(security: Security, *, beside_pause: bool = False) -> Granted:
    """Raises CriError for a name that is none.

    Pause has the host's root: whoever may trace it is there (/proc/1/root), so that nobody who is
    `beside_pause`, in its pid namespace, may.
    """
    grantable = GRANTABLE - {"SYS_PTRACE"} if beside_pause else GRANTABLE
    add, drop = _known(security.add), _known(security.drop)
    if security.privileged:
        return Granted(mask_of(grantable))
    wanted = set(DEFAULT)
    if "ALL" in add:
        wanted = set(grantable)
    elif "ALL" in drop:
        wanted = set()
    wanted = (wanted | add) - drop - {"ALL"}
    return Granted(mask_of(wanted & grantable), tuple(sorted(wanted - grantable)))


def _known(given: Iterable[str]) -> set[str]:
    names = {name.upper().removeprefix("CAP_") for name in given}
    for name in sorted(names - {"ALL", *NAMES}):
        raise CriError(f'unknown capability "CAP_{name}"', CREATE_CONTAINER_ERROR)
    return names
