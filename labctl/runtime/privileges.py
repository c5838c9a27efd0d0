"""As whom a contained process shall run and what it may still do, as its pod says."""

from labctl.cri.errors import CONFIG_ERROR, CriError
from labctl.cri.messages import SandboxConfig, Security
from labctl.runtime.capabilities import grant
from labctl.runtime.spawn.privileges import ROOT, Privileges


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


def read_last_capability() -> int:
    """The highest capability that this kernel knows."""
    with open("/proc/sys/kernel/cap_last_cap", encoding="ascii") as file:
        return int(file.read())
