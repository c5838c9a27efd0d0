"""What a contained process may still do: the default capabilities of container runtimes, less one.

containerd and Docker also give CAP_MKNOD, and rely on a device cgroup to make it harmless. There
is none here, and with a block device of the host's disk made by mknod a container could write to
it, so it is left out. Nothing comes back by exec either: no_new_privs, and the bounding set.
"""

from labctl.runtime import syscalls

# linux/capability.h
_GRANTED = {
    "CHOWN": 0,
    "DAC_OVERRIDE": 1,
    "FOWNER": 3,
    "FSETID": 4,
    "KILL": 5,
    "SETGID": 6,
    "SETUID": 7,
    "SETPCAP": 8,
    "NET_BIND_SERVICE": 10,
    "NET_RAW": 13,
    "SYS_CHROOT": 18,
    "AUDIT_WRITE": 29,
    "SETFCAP": 31,
}
GRANTED_MASK = sum(1 << number for number in _GRANTED.values())


def read_last_capability() -> int:
    """The highest capability that this kernel knows."""
    with open("/proc/sys/kernel/cap_last_cap", encoding="ascii") as file:
        return int(file.read())


def drop_privileges(last_capability: int) -> None:
    """Leaves this process, and all that it will execute, the granted capabilities (if it had them)."""
    for capability in range(last_capability + 1):
        if not GRANTED_MASK >> capability & 1:
            syscalls.drop_from_bounding_set(capability)
    syscalls.clear_ambient()
    syscalls.set_no_new_privs()
    syscalls.set_capabilities(GRANTED_MASK)
