"""As whom a contained process runs and what it may still do, decided before and done after a fork.

Nothing comes back by exec: the bounding set goes, and no_new_privs forbids the rest where the pod
says so (without it, a set-user-id program is still held to the bounding set).
"""

import os
from dataclasses import dataclass

from labctl.cri.errors import CONFIG_ERROR, CriError
from labctl.cri.messages import SandboxConfig, Security
from labctl.runtime import syscalls
from labctl.runtime.capabilities import DEFAULT_MASK, grant

ROOT = 0


@dataclass(frozen=True, slots=True)
class Privileges:
    """`dropped` are the numbers that leave the bounding set."""

    user: int = ROOT
    group: int = ROOT
    groups: tuple[int, ...] = ()
    capabilities: int = DEFAULT_MASK
    dropped: tuple[int, ...] = ()
    no_new_privileges: bool = False
    oom_score: int = 0


def privileges_of(
    security: Security, last_capability: int, *, beside_pause: bool = False
) -> Privileges:
    """Raises CriError for a capability that is none."""
    mask = grant(security, beside_pause=beside_pause).mask
    return Privileges(
        user=security.user or ROOT,
        group=security.group or ROOT,
        groups=security.groups,
        capabilities=mask,
        dropped=tuple(n for n in range(last_capability + 1) if not mask >> n & 1),
        no_new_privileges=not (security.escalation or security.privileged),
        oom_score=security.oom_score,
    )


def check_user(
    pod: SandboxConfig, container: str, security: Security, image_user: str = ""
) -> None:
    """Raises CriError, worded as by the kubelet, where root is to run and must not.

    Without an image nobody but root is a container's user unless the pod names one. Whom an image
    means by a name is not known to a kubelet.
    """
    if not security.non_root or security.user:
        return
    who = f'(pod: "{pod.name}_{pod.namespace}({pod.uid})", container: {container})'
    named = image_user.partition(":")[0] or "0"
    if security.user is None and not named.isdecimal():
        why = f"container has runAsNonRoot and image has non-numeric user ({named})"
        raise CriError(f"{why}, cannot verify user is non-root {who}", CONFIG_ERROR)
    if security.user is None and int(named):
        return
    if security.user is None:
        raise CriError(f"container has runAsNonRoot and image will run as root {who}", CONFIG_ERROR)
    raise CriError(f"container's runAsUser breaks non-root policy {who}", CONFIG_ERROR)


def take_privileges(privileges: Privileges) -> None:
    """Makes this process what `privileges` say, for ever; it was root with everything."""
    for capability in privileges.dropped:
        syscalls.drop_from_bounding_set(capability)
    syscalls.clear_ambient()
    os.setgroups(privileges.groups)
    os.setresgid(privileges.group, privileges.group, privileges.group)
    if privileges.user != ROOT:  # the kernel takes the capabilities away: capabilities(7)
        os.setresuid(privileges.user, privileges.user, privileges.user)
    else:
        syscalls.set_capabilities(privileges.capabilities)
    if privileges.no_new_privileges:
        syscalls.set_no_new_privs()


def read_last_capability() -> int:
    """The highest capability that this kernel knows."""
    with open("/proc/sys/kernel/cap_last_cap", encoding="ascii") as file:
        return int(file.read())
