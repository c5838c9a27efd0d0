"""As whom a pod's containers run and what they may do: its securityContexts as one value. Pure."""

from collections.abc import Iterator
from typing import Any

from labctl.api.objects import Obj
from labctl.cri.messages import Security
from labctl.node.pods.facts import containers_of, init_containers_of
from labctl.node.pods.limits import oom_score


def security_of(pod: Obj, container: Obj, capacity: int) -> Security:
    """What the container says, or else its pod; the node has `capacity` bytes of memory."""
    whole: Obj = pod["spec"].get("securityContext") or {}
    own: Obj = container.get("securityContext") or {}
    capabilities: Obj = own.get("capabilities") or {}
    return Security(
        user=_either(own, whole, "runAsUser"),
        group=_either(own, whole, "runAsGroup"),
        groups=_groups(whole),
        non_root=bool(_either(own, whole, "runAsNonRoot")),
        add=tuple(capabilities.get("add") or ()),
        drop=tuple(capabilities.get("drop") or ()),
        privileged=bool(own.get("privileged")),
        escalation=own.get("allowPrivilegeEscalation") is not False,
        read_only_root=bool(own.get("readOnlyRootFilesystem")),
        oom_score=oom_score(pod, container, capacity),
    )


def common_user(pod: Obj) -> int | None:
    """The user as whom all containers run, if they do and the pod says so: a token is that one's
    (pkg/volume/util, FsUserFrom).
    """
    whole: Obj = pod["spec"].get("securityContext") or {}
    kinds = (init_containers_of(pod), containers_of(pod))
    users = {
        _either(one.get("securityContext") or {}, whole, "runAsUser")
        for kind in kinds
        for one in kind
    }
    return users.pop() if len(users) == 1 else None


def not_applied(pod: Obj, container: Obj) -> Iterator[str]:
    """What the pod asks for and no program of this node is given, a sentence each."""
    spec = pod["spec"]
    for member, what in (("hostPID", "processes"), ("hostIPC", "IPC objects")):
        if spec.get(member):
            yield f"{member}: the {what} of a node are its machine's, the pod has its own"
    whole: Obj = spec.get("securityContext") or {}
    own: Obj = container.get("securityContext") or {}
    for member, kind in (("seccompProfile", "seccomp"), ("appArmorProfile", "AppArmor")):
        profile = _either(own, whole, member) or {}
        if profile.get("type", "Unconfined") != "Unconfined":
            yield f"{member}: no {kind} profile is applied"


def _either(own: Obj, whole: Obj, member: str) -> Any:
    value = own.get(member)
    return whole.get(member) if value is None else value


def _groups(whole: Obj) -> tuple[int, ...]:
    groups = list(whole.get("supplementalGroups") or ())
    if whole.get("fsGroup") is not None:
        groups.append(whole["fsGroup"])
    return tuple(dict.fromkeys(groups))
